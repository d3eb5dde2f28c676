"""Drives crm-sync by zeep, from nothing but the URL of its WSDL.

usage: crm.py WSDL-URL VERSION    (VERSION is 1.1 or 1.2)
"""
import sys
import uuid
from decimal import Decimal

import zeep
from lxml import etree
from zeep.exceptions import Fault
from zeep.plugins import HistoryPlugin

url, version = sys.argv[1:]
WSS = "http://www.boomi.com/connector/wss"
history = HistoryPlugin()
client = zeep.Client(url, plugins=[history])
crm = client.service

(binding,) = {port.binding for service in client.wsdl.services.values() for port in service.ports.values()}
expected = zeep.wsdl.bindings.Soap12Binding if version == "1.2" else zeep.wsdl.bindings.Soap11Binding
assert type(binding) is expected, binding
assert set(binding.all()) == {
    "getAccount", "queryAccount", "queryAccountMoreResults", "createAccount", "updateAccount", "deleteAccount",
}, sorted(binding.all())


def sent_back():
    """The envelope of the last answer; its body follows the served types, or zeep would not have read it strictly."""
    return history.last_received["envelope"]


# Create: exact decimals, an Id made by the process.
made = crm.createAccount(Account={"Name": "Edge & Söhne", "AnnualRevenue": Decimal("139000000.50"), "BillingCountry": "DE"})
assert len(made.Id) == 18 and made.Name == "Edge & Söhne", made
assert made.AnnualRevenue == Decimal("139000000.5") and made.Phone is None, made
body = sent_back().find("{*}Body")
assert etree.QName(body[0]).text == "{http://www.boomi.com/connector/wss}createAccountResponse"
assert [etree.QName(child).text for child in body[0]] == ["AccountResult"]

# Get, and a typed fault for what is not there.
assert crm.getAccount(Id=made.Id).Name == made.Name
try:
    crm.getAccount(Id="001D000000IqhSMIAZ")
    raise AssertionError("there is no such Account")
except Fault as fault:
    assert fault.code.endswith("Sender" if version == "1.2" else "Client"), fault.code
    problem = fault.detail.find(f"{{{WSS}}}ProblemFault")
    assert problem is not None, etree.tostring(fault.detail)
    typed = client.get_element(f"{{{WSS}}}ProblemFault").parse(problem, client.wsdl.types)
    assert typed.status == 404, typed
    assert fault.detail.find("{urn:auricle:fault}execution") is not None

# Query with paging.
# A country of this run: others may have filled the same table.
country = uuid.uuid4().hex
for number in range(103):
    crm.createAccount(Account={"Name": f"Account {number:03}", "BillingCountry": country})
first = crm.queryAccount(BillingCountry=country)
assert len(first.AccountResult) == 100 and first.moreDataToken
rest = crm.queryAccountMoreResults(moreDataToken=first.moreDataToken)
names = [account.Name for account in first.AccountResult + rest.AccountResult]
assert names == [f"Account {number:03}" for number in range(103)] and not rest.moreDataToken
# zeep makes nothing of an element that has neither content nor attributes.
assert not crm.queryAccount(Name="nobody")
try:
    crm.queryAccountMoreResults(moreDataToken="made up")
    raise AssertionError("there is no such page")
except Fault as fault:
    assert "moreDataToken" in fault.message, fault.message

# Update: what is given changes; nil clears.
changed = crm.updateAccount(Id=made.Id, Account={"NumberOfEmployees": 1000, "BillingCountry": zeep.xsd.Nil})
assert (changed.NumberOfEmployees, changed.BillingCountry, changed.Name) == (1000, None, made.Name), changed

# Delete.
crm.deleteAccount(Id=made.Id)
try:
    crm.getAccount(Id=made.Id)
    raise AssertionError("it was deleted")
except Fault as fault:
    assert "404" in etree.tostring(fault.detail).decode()
print("zeep", version, "has done it all")
