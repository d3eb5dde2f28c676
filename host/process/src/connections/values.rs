//! What the values of all three databases have in common.

use super::Value;

/// Whole numbers up to here are held exactly by every guest language; QuickJS holds a number as a float.
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// A whole number, as the WIT wants it: a decimal where a guest could not hold it.
pub(super) fn integer(n: i64) -> Value {
    if n.unsigned_abs() <= SAFE_INTEGER { Value::Integer(n) } else { Value::Decimal(n.to_string()) }
}

/// Whether a text is JSON.
pub(super) fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}
