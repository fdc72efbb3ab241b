//! Values, and rows that are read column by column, in the order of the SELECT.

use super::SqlError;

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// A row of a result.
#[derive(Clone, Debug)]
pub struct Row(std::vec::IntoIter<Value>);

impl Row {
    pub fn new(values: Vec<Value>) -> Self {
        Self(values.into_iter())
    }

    /// The next column, moved out. The type is what the field that receives it wants.
    pub fn take<T: FromValue>(&mut self) -> Result<T, SqlError> {
        let value = self.0.next().ok_or_else(|| SqlError::Row("too few columns".to_owned()))?;
        T::from_value(value)
    }

    /// The next column, as one of the words that `parse` knows.
    pub fn word<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Result<T, SqlError> {
        let text: String = self.take()?;
        parse(&text).ok_or_else(|| SqlError::Row(format!("unknown word `{text}`")))
    }
}

/// The first row, read; `None` when there is none.
pub fn one<T>(rows: Vec<Row>, read: impl FnOnce(Row) -> Result<T, SqlError>) -> Result<Option<T>, SqlError> {
    rows.into_iter().next().map(read).transpose()
}

/// Every row, read.
pub fn many<T>(rows: Vec<Row>, read: impl FnMut(Row) -> Result<T, SqlError>) -> Result<Vec<T>, SqlError> {
    rows.into_iter().map(read).collect()
}

pub trait FromValue: Sized {
    fn from_value(value: Value) -> Result<Self, SqlError>;
}

fn unexpected<T>(wanted: &str, value: &Value) -> Result<T, SqlError> {
    let got = match value {
        Value::Null => "null",
        Value::Integer(_) => "an integer",
        Value::Real(_) => "a real",
        Value::Text(_) => "a text",
        Value::Blob(_) => "a blob",
    };
    Err(SqlError::Row(format!("expected {wanted}, got {got}")))
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<Self, SqlError> {
        match value {
            Value::Text(text) => Ok(text),
            other => unexpected("a text", &other),
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: Value) -> Result<Self, SqlError> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            Value::Text(text) => Ok(text.into_bytes()),
            other => unexpected("a blob", &other),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<Self, SqlError> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Self, SqlError> {
        match value {
            Value::Null => Ok(None),
            other => T::from_value(other).map(Some),
        }
    }
}

macro_rules! integers {
    ($($t:ty),*) => { $(
        impl FromValue for $t {
            fn from_value(value: Value) -> Result<Self, SqlError> {
                match value {
                    Value::Integer(number) => {
                        number.try_into().map_err(|_| SqlError::Row(format!("{number} is out of range")))
                    }
                    other => unexpected("an integer", &other),
                }
            }
        }
    )* };
}
integers!(i64, u64, u32, u16, usize);

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

/// What does not fit is the largest that does: no counter and no sequence of ours gets there.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Integer(value.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
