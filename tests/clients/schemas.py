"""Says whether a WSDL follows the schema of WSDL 1.1, and what a service answers the types that the WSDL serves.

usage: schemas.py WSDL-URL
"""
import sys
import urllib.error
import urllib.request
from pathlib import Path

import xmlschema
from lxml import etree

url = sys.argv[1]
endpoint = url.split("?")[0]
soap12 = "/soap12/" in url
envelope = "http://www.w3.org/2003/05/soap-envelope" if soap12 else "http://schemas.xmlsoap.org/soap/envelope/"


def fetch(address):
    with urllib.request.urlopen(address) as answer:
        return answer.read()


# The WSDL against WSDL's own schema, which knows the bindings as extensions.
folder = Path(xmlschema.__file__).parent / "schemas" / "WSDL"
wsdl_schema = etree.XMLSchema(etree.parse(str(folder / "wsdl.xsd")))
for form in ["", "=single"]:
    wsdl = etree.fromstring(fetch(url + form))
    wsdl_schema.assertValid(wsdl)

# The types, as the first schema document imports all of them.
namespace = "http://www.boomi.com/connector/wss"


class Fetching(etree.Resolver):
    def resolve(self, address, public_id, context):
        return self.resolve_string(fetch(address), context, base_url=address)


parser = etree.XMLParser()
parser.resolvers.add(Fetching())
whole = etree.fromstring(fetch(endpoint + "?xsd=1"), parser, base_url=url)
schema = etree.XMLSchema(whole)


def call(body):
    text = f"<e:Envelope xmlns:e='{envelope}' xmlns:w='{namespace}'><e:Body>{body}</e:Body></e:Envelope>"
    kind = "application/soap+xml" if soap12 else "text/xml"
    request = urllib.request.Request(endpoint, text.encode(), {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request) as answer:
            return etree.fromstring(answer.read())
    except urllib.error.HTTPError as error:
        return etree.fromstring(error.read())


def valid(answer):
    (element,) = answer.find(f"{{{envelope}}}Body")
    schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(element))))
    return element


def typed(answer):
    detail = answer.find(f".//{{{envelope}}}Detail") if soap12 else answer.find(".//detail")
    schema.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(detail[0]))))


made = valid(call("<w:createAccount><Account><Name>A &amp; B</Name></Account></w:createAccount>"))
key = made.findtext("AccountResult/Id")
valid(call(f"<w:getAccount><w:Id>{key}</w:Id></w:getAccount>"))
for number in range(101):
    valid(call(f"<w:createAccount><Account><Name>{number}</Name></Account></w:createAccount>"))
page = valid(call("<w:queryAccount/>"))
token = page[0].get("moreDataToken")
valid(call(f"<w:queryAccountMoreResults><w:moreDataToken>{token}</w:moreDataToken></w:queryAccountMoreResults>"))
valid(call("<w:queryAccount><w:Name>nobody</w:Name></w:queryAccount>"))
valid(call(f"<w:updateAccount><w:Id>{key}</w:Id><Account><Phone>1</Phone></Account></w:updateAccount>"))
valid(call(f"<w:deleteAccount><w:Id>{key}</w:Id></w:deleteAccount>"))
typed(call(f"<w:getAccount><w:Id>{key}</w:Id></w:getAccount>"))
print("everything follows its schema")
