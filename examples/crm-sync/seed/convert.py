"""Makes accounts.json, the demo's Accounts, out of the PyPI package pytickersymbols.

    pip download pytickersymbols==1.17.10 --no-deps -d /tmp/seed
    python3 convert.py /tmp/seed/pytickersymbols-1.17.10-py3-none-any.whl > accounts.json

It needs Python's standard library only. The same package gives the same file, byte for byte. A figure is taken where
it is plainly readable and left out where it is not: nothing is guessed, rounded or converted.
"""

import ast
import hashlib
import json
import re
import sys
import unicodedata
import zipfile

# Large companies of several countries; the indices overlap.
INDICES = ["DOW JONES", "S&P 100", "DAX", "CAC_40", "FTSE 100", "AEX", "BEL 20", "IBEX 35", "EURO STOXX 50",
           "OMX Helsinki 25", "OMX Stockholm 30", "Switzerland 20", "NASDAQ 100", "NIKKEI 225"]
MODIFIED = "2026-11-22T00:00:00.000Z"

COUNTRIES = {
    "Australia": [], "Austria": [], "Belgium": [], "Bermuda": [], "Brazil": [], "Canada": [], "China": [], "Denmark": [],
    "Finland": [], "France": [], "Germany": [], "Ireland": [], "Israel": [], "Italy": [], "Japan": [], "Luxembourg": [],
    "Netherlands": ["the Netherlands"], "Norway": [], "Singapore": [], "Spain": [], "Sweden": [], "Switzerland": [],
    "United Kingdom": ["UK", "U.K.", "England", "Scotland", "Wales"],
    "United States": ["US", "U.S.", "USA", "U.S.A."],
}
COUNTRY = {name: country for country, others in COUNTRIES.items() for name in [country, *others]}

# What stands between a city and its country, and what shows that a name is no city's alone.
REGIONS = {"Aichi", "Baden-Württemberg", "Bavaria", "Berkshire", "Catalonia", "Community of Madrid", "Essonne", "Galicia",
           "Greater Manchester", "New South Wales", "North Rhine-Westphalia", "Ontario", "Uusimaa", "Vaud", "Île-de-France"}
REGION = re.compile(r".+ (Prefecture|County)|canton of .+")
NO_CITY = re.compile(r"\b(and|Building|Center|Centre|County|Plaza|The Spiral|Tower|"
                     + "|".join(map(re.escape, COUNTRY)) + r")(?!\w)")

BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def account_id(name):
    """An Id in Salesforce's form that depends on the name alone."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big")
    short = "001"
    for _ in range(12):
        number, digit = divmod(number, 62)
        short += BASE_62[digit]
    bits = [sum(1 << at for at, char in enumerate(short[start:start + 5]) if char.isupper()) for start in (0, 5, 10)]
    return short + "".join(BASE_32[five] for five in bits)


def tidy(text):
    """Unicode in its composed form, without the gaps that removed links and footnotes left."""
    text = unicodedata.normalize("NFC", re.sub(r"\[[^]]*\]", "", str(text or "")))
    return re.sub(r"\s+", " ", text).replace(" ,", ",").replace(" )", ")").replace("( ", "(").strip(" ,")


def place(headquarters):
    """City and country of one headquarters: `Kings Place, London, England, U.K.` is London, United Kingdom."""
    parts = [part.strip() for part in tidy(headquarters).split(",")]
    country = COUNTRY.get(parts.pop(), None)
    if country is None or len(parts) == 0:
        return None
    while parts and (COUNTRY.get(parts[-1]) == country or parts[-1] in REGIONS or REGION.fullmatch(parts[-1])):
        parts.pop()
    if not parts:
        return None
    # In the United States the last part is a state.
    city = parts[-2] if country == "United States" and len(parts) > 1 else parts[-1]
    plain = re.fullmatch(r"[^\W\d_][^\d()/;:]*", city)
    return (city, country) if plain and len(city) <= 40 and not NO_CITY.search(city) else None


def employees(text):
    """`23,299 (December, 2024)`; a range, a sum or an estimate is left out."""
    found = re.fullmatch(r"(?:approx\.?|~|c\.)?\s*(\d{1,3}(?:,\d{3})+|\d+)\s*(?:\(.*\))?", tidy(text))
    return int(found[1].replace(",", "")) if found else None


def revenue(text):
    """`US$57.638 billion (2025)` as a JSON number, exactly. Other currencies are left out: the field has none."""
    found = re.fullmatch(r"US\s?\$\s?(\d+(?:,\d{3})*(?:\.\d+)?)\s(million|billion)\s*(?:\(.*\))?", tidy(text))
    if not found:
        return None
    whole, _, fraction = found[1].replace(",", "").partition(".")
    zeros = {"million": 6, "billion": 9}[found[2]]
    return int(whole + fraction.ljust(zeros, "0")) if len(fraction) <= zeros else None


def website(text):
    text = tidy(text).removeprefix("https://").removeprefix("http://").rstrip("/").lower()
    return text if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", text) else None


def account(company):
    """The Account of a company, or none where the package does not say where and how large it is."""
    facts = company.get("metadata") or {}
    where = place(facts.get("headquarters"))
    record = {
        "Name": tidy(re.sub(r" \([^)]*\)$", "", company["name"])),
        "Type": "Public" if tidy(facts.get("company_type")).startswith("Public") else None,
        # The longer ones and those with commas are lists of several.
        "Industry": next((tidy(name) for name in company.get("industries") or [] if re.fullmatch("[^,]{1,40}", name)), None),
        "AnnualRevenue": revenue(facts.get("revenue")),
        "NumberOfEmployees": employees(facts.get("employees")),
        "BillingCity": where and where[0],
        "BillingCountry": where and where[1],
        "Website": website(facts.get("website")),
        "LastModifiedDate": MODIFIED,
    }
    wanted = ("Name", "Industry", "NumberOfEmployees", "BillingCity", "Website")
    if not all(record[field] for field in wanted):
        return None
    return {"Id": account_id(record["Name"]), **{field: value for field, value in record.items() if value is not None}}


def main():
    with zipfile.ZipFile(sys.argv[1]) as package:
        source = package.read("pytickersymbols/indices_data.py").decode()
    # A literal is read, and no code of the package is run.
    indices = next(ast.literal_eval(node.value) for node in ast.parse(source).body
                   if isinstance(node, ast.Assign) and node.targets[0].id == "INDICES")
    companies = (company for index in INDICES for company in indices[index]["companies"])
    accounts = {found["Name"]: found for found in map(account, companies) if found}
    lines = (json.dumps(accounts[name], ensure_ascii=False) for name in sorted(accounts))
    print("[\n" + ",\n".join(lines) + "\n]")


if __name__ == "__main__":
    main()
