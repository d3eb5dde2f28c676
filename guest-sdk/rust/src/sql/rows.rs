//! A whole result, and its rows.

use std::rc::Rc;

use serde::de::DeserializeOwned;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{Error, ErrorKind, FromValue, Value, de};

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as the database spells it.
    pub name: String,
    /// The database's own name of the type, in lower case: `int8`, `varchar`, `numeric`.
    pub database_type: String,
}

/// A whole result. Serializes as an array of objects.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    columns: Rc<[Column]>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// An empty result with columns of these names: the beginning of what a mocked database answers.
    pub fn of<N: Into<String>>(columns: impl IntoIterator<Item = N>) -> Self {
        let column = |name: N| Column { name: name.into(), database_type: String::new() };
        Self { columns: columns.into_iter().map(column).collect(), rows: Vec::new() }
    }

    /// Adds a row. Missing values are null, and values without a column are left out.
    #[must_use]
    pub fn row<V: Into<Value>>(mut self, values: impl IntoIterator<Item = V>) -> Self {
        let mut row: Vec<Value> = values.into_iter().map(Into::into).collect();
        row.resize(self.columns.len(), Value::Null);
        self.rows.push(row);
        self
    }

    #[cfg(target_family = "wasm")]
    pub(crate) fn new(columns: Vec<Column>, rows: Vec<Vec<Value>>) -> Self {
        Self { columns: columns.into(), rows }
    }

    #[cfg(not(target_family = "wasm"))]
    pub(crate) fn into_parts(self) -> (Vec<Column>, Vec<Vec<Value>>) {
        (self.columns.to_vec(), self.rows)
    }

    /// The columns of each row.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The first row, if there is one: what a lookup by key wants.
    pub fn first(self) -> Option<Row> {
        self.into_iter().next()
    }

    /// All rows as JSON, an array of objects.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { columns: self.columns, rows: self.rows.into_iter() }
    }
}

impl Serialize for Rows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.iter().map(|values| Object { columns: &self.columns, values }))
    }
}

/// The rows of a [`Rows`], in order.
#[derive(Debug)]
pub struct IntoIter {
    columns: Rc<[Column]>,
    rows: std::vec::IntoIter<Vec<Value>>,
}

impl Iterator for IntoIter {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        self.rows.next().map(|values| Row::new(Rc::clone(&self.columns), values))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

impl ExactSizeIterator for IntoIter {}

/// One row of a result. Serializes as an object, its keys in the order of the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    columns: Rc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    pub(super) fn new(columns: Rc<[Column]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The values, in the order of the columns.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// Reads the value of a column, given by its name or its place from 0. A name is looked for as written, then
    /// without case, since databases fold the case of names in different ways.
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] where there is no such column, or its value is no `T`.
    pub fn get<T: FromValue>(&self, column: impl ColumnRef) -> Result<T, Error> {
        let value = column.place(&self.columns).and_then(|place| self.values.get(place));
        let Some(value) = value else {
            let names: Vec<_> = self.columns.iter().map(|c| c.name.as_str()).collect();
            let message = format!("the row has no column {}: it has {}", column.describe(), names.join(", "));
            return Err(Error::new(ErrorKind::Conversion, message));
        };
        T::from_value(value).map_err(|e| Error { message: format!("column {}: {}", column.describe(), e.message), ..e })
    }

    /// Reads the row into a struct whose fields are named as the columns (`#[serde(rename_all = ..)]` helps).
    ///
    /// # Errors
    /// [`ErrorKind::Conversion`] where a field has no column, or a value does not fit.
    pub fn deserialize<T: DeserializeOwned>(self) -> Result<T, Error> {
        de::row(&self.columns, self.values)
    }

    /// The row as a JSON object.
    pub fn to_json(&self) -> String {
        to_json(self)
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Object { columns: &self.columns, values: &self.values }.serialize(serializer)
    }
}

struct Object<'a> {
    columns: &'a [Column],
    values: &'a [Value],
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.values) {
            map.serialize_entry(&column.name, value)?;
        }
        map.end()
    }
}

#[expect(clippy::expect_used, reason = "the keys are strings and writing to memory does not fail")]
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("rows are JSON")
}

/// A column by name or by place: `&str`, `String` or `usize`.
pub trait ColumnRef: private::Sealed {
    /// Its place in the row, from 0.
    fn place(&self, columns: &[Column]) -> Option<usize>;

    /// How an error names it.
    fn describe(&self) -> String;
}

impl ColumnRef for usize {
    fn place(&self, _: &[Column]) -> Option<usize> {
        Some(*self)
    }

    fn describe(&self) -> String {
        format!("at {self}")
    }
}

impl ColumnRef for &str {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        let exact = columns.iter().position(|c| c.name == *self);
        exact.or_else(|| columns.iter().position(|c| c.name.eq_ignore_ascii_case(self)))
    }

    fn describe(&self) -> String {
        format!("`{self}`")
    }
}

impl ColumnRef for &String {
    fn place(&self, columns: &[Column]) -> Option<usize> {
        self.as_str().place(columns)
    }

    fn describe(&self) -> String {
        self.as_str().describe()
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for usize {}
    impl Sealed for &str {}
    impl Sealed for &String {}
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn accounts() -> Rows {
        Rows::of(["Id", "Name", "AnnualRevenue", "NumberOfEmployees"])
            .row([Value::from("1"), "Acme".into(), Value::Decimal("120000000.50".into()), 12.into()])
            .row([Value::from("2"), "Umbra".into()])
    }

    #[test]
    fn values_are_found_by_name_and_place() {
        let row = accounts().first().unwrap();
        assert_eq!(row.get::<String>("Name").unwrap(), "Acme");
        assert_eq!(row.get::<String>("name").unwrap(), "Acme");
        assert_eq!(row.get::<u32>(3).unwrap(), 12);
        let missing = row.get::<String>("Phone").unwrap_err().message;
        assert_eq!(missing, "the row has no column `Phone`: it has Id, Name, AnnualRevenue, NumberOfEmployees");
        let wrong = row.get::<i64>("Name").unwrap_err().message;
        assert_eq!(wrong, "column `Name`: a value of kind text cannot be read as i64");
    }

    #[test]
    fn rows_are_json_in_the_order_of_their_columns() {
        let expected = concat!(
            r#"[{"Id":"1","Name":"Acme","AnnualRevenue":120000000.50,"NumberOfEmployees":12},"#,
            r#"{"Id":"2","Name":"Umbra","AnnualRevenue":null,"NumberOfEmployees":null}]"#
        );
        assert_eq!(accounts().to_json(), expected);
        assert_eq!(accounts().first().unwrap().to_json(), &expected[1..expected.find("},").unwrap() + 1]);
    }

    #[test]
    fn a_row_becomes_a_struct() {
        #[derive(Debug, Deserialize, PartialEq)]
        #[serde(rename_all = "PascalCase")]
        struct Account {
            id: String,
            annual_revenue: Option<f64>,
            number_of_employees: Option<u32>,
        }

        let read: Vec<Account> = accounts().into_iter().map(|row| row.deserialize().unwrap()).collect();
        let first = Account { id: "1".into(), annual_revenue: Some(120_000_000.5), number_of_employees: Some(12) };
        assert_eq!(read, [first, Account { id: "2".into(), annual_revenue: None, number_of_employees: None }]);

        let error = Rows::of(["Id"]).row([1]).first().unwrap().deserialize::<Account>().unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conversion);
        assert!(error.message.contains("Id"), "{error}");
    }
}
