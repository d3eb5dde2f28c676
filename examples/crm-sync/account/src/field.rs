//! The fields of an Account, in the order in which they are written: one table that the JSON, the checks and the SQL
//! are all made from, so that none of them can forget a field.

/// One field: a JSON member and a column of the same name.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Salesforce's name of it.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether a query may ask for a value of it.
    pub filter: bool,
}

/// What a field holds. The limits are those of the field in Salesforce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An [`Id`](crate::Id).
    Id,
    /// Text of at most so many characters.
    Text(usize),
    /// Money: a [`Decimal`](crate::Decimal).
    Decimal,
    /// A whole number from 0 to 99 999 999.
    Integer,
    /// A moment: a [`Timestamp`](crate::Timestamp).
    Timestamp,
}

/// The largest `NumberOfEmployees`: eight digits, as in Salesforce. It fits a 32-bit column.
pub(crate) const LARGEST_INTEGER: i64 = 99_999_999;

/// Every field, in the order of an answer.
pub const FIELDS: [Field; 11] = [
    Field { name: "Id", kind: Kind::Id, filter: false },
    Field { name: "Name", kind: Kind::Text(255), filter: true },
    Field { name: "Type", kind: Kind::Text(255), filter: true },
    Field { name: "Industry", kind: Kind::Text(255), filter: true },
    Field { name: "AnnualRevenue", kind: Kind::Decimal, filter: false },
    Field { name: "NumberOfEmployees", kind: Kind::Integer, filter: false },
    Field { name: "BillingCity", kind: Kind::Text(40), filter: true },
    Field { name: "BillingCountry", kind: Kind::Text(80), filter: true },
    Field { name: "Phone", kind: Kind::Text(40), filter: false },
    Field { name: "Website", kind: Kind::Text(255), filter: false },
    Field { name: "LastModifiedDate", kind: Kind::Timestamp, filter: false },
];

/// The fields that a query may ask for a value of, by equality.
pub fn filters() -> impl Iterator<Item = &'static Field> {
    FIELDS.iter().filter(|field| field.filter)
}

/// The name of `names` that was most likely meant, if any is near enough to be helpful.
pub fn nearest<'a>(given: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Without case, because the wrong case is the commonest slip of all.
    let given = given.to_lowercase();
    names
        .map(|name| (strsim::normalized_damerau_levenshtein(&given, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(given: &str) -> Option<&'static str> {
        nearest(given, FIELDS.iter().map(|field| field.name))
    }

    #[test]
    fn a_slip_finds_the_name_that_was_meant() {
        assert_eq!(near("name"), Some("Name"));
        assert_eq!(near("BilingCountry"), Some("BillingCountry"));
        assert_eq!(near("AnualRevenu"), Some("AnnualRevenue"));
        assert_eq!(near("OwnerId"), None);
    }
}
