//! From one type to another: what `toint()` and its like do, and the silent widening of results.
//!
//! Text is read strictly: `'1.5'` is no whole number (Kusto pages "tolong", "tobool").

use std::sync::Arc;

use rust_decimal::Decimal;
use rust_decimal::prelude::{FromPrimitive as _, ToPrimitive as _};

use super::{
    DATETIME_MAX, Json, Type, Value, parse_datetime, parse_guid, parse_timespan, real_plain,
};

/// A whole number as text has it: digits with a sign, or `0x` and hex digits.
pub fn parse_long(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if !digits.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        return None;
    }
    match digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X")) {
        Some(hex) if hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            let bits = u64::from_str_radix(hex, 16).ok()? as i64;
            Some(if negative { bits.wrapping_neg() } else { bits })
        }
        Some(_) => None,
        None => text.parse().ok(),
    }
}

/// A real number as text has it; `NaN`, `inf` and `infinity` in any case.
pub fn parse_real(text: &str) -> Option<f64> {
    text.trim().parse().ok()
}

/// A decimal as text has it, with or without an exponent.
pub fn parse_decimal(text: &str) -> Option<Decimal> {
    let text = text.trim();
    match text.contains(['e', 'E']) {
        true => Decimal::from_scientific(text).ok(),
        false => text.parse().ok(),
    }
}

/// `true`, `false` in any case, or a whole number.
pub fn parse_bool(text: &str) -> Option<bool> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        parse_long(text).map(|n| n != 0)
    }
}

/// Truncates towards zero; `None` for NaN and what does not fit.
fn truncate(x: f64) -> Option<i64> {
    let bound = -(i64::MIN as f64);
    (x >= -bound && x < bound).then_some(x as i64)
}

impl Value {
    /// A dynamic that holds a single value as that value; everything else as it is.
    pub fn plain(&self) -> Value {
        let Self::Dynamic(json) = self else { return self.clone() };
        match &**json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Long(n) => Self::Long(*n),
            Json::Real(x) => Self::Real(*x),
            Json::String(s) => Self::String(Arc::clone(s)),
            Json::Array(_) | Json::Bag(_) => self.clone(),
        }
    }

    /// What `tobool()` gives.
    pub fn to_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(b) => Some(*b),
            Self::Int(n) => Some(*n != 0),
            Self::Long(n) => Some(*n != 0),
            Self::Real(x) => (!x.is_nan()).then_some(*x != 0.0),
            Self::Decimal(d) => Some(!d.is_zero()),
            Self::String(s) => parse_bool(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_bool(),
            _ => None,
        }
    }

    /// What `tolong()` gives.
    pub fn to_long(&self) -> Option<i64> {
        match self {
            Self::Bool(b) => Some((*b).into()),
            Self::Int(n) => Some((*n).into()),
            Self::Long(n) | Self::DateTime(n) | Self::TimeSpan(n) => Some(*n),
            Self::Real(x) => truncate(*x),
            Self::Decimal(d) => d.trunc().to_i64(),
            Self::String(s) => parse_long(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_long(),
            _ => None,
        }
    }

    /// What `toint()` gives.
    pub fn to_int(&self) -> Option<i32> {
        self.to_long().and_then(|n| i32::try_from(n).ok())
    }

    /// What `toreal()` gives.
    pub fn to_real(&self) -> Option<f64> {
        match self {
            Self::Bool(b) => Some(f64::from(u8::from(*b))),
            Self::DateTime(n) | Self::TimeSpan(n) => Some(*n as f64),
            Self::String(s) => parse_real(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_real(),
            other => other.as_real(),
        }
    }

    /// What `todecimal()` gives.
    pub fn to_decimal(&self) -> Option<Decimal> {
        match self {
            Self::Bool(b) => Some(Decimal::from(u8::from(*b))),
            Self::Int(n) => Some((*n).into()),
            Self::Long(n) | Self::DateTime(n) | Self::TimeSpan(n) => Some((*n).into()),
            Self::Real(x) => parse_decimal(&real_plain(*x)).or_else(|| Decimal::from_f64(*x)),
            Self::Decimal(d) => Some(*d),
            Self::String(s) => parse_decimal(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_decimal(),
            _ => None,
        }
    }

    /// What `todatetime()` gives; a whole number is ticks.
    pub fn to_datetime(&self) -> Option<i64> {
        match self {
            Self::DateTime(t) => Some(*t),
            Self::Int(_) | Self::Long(_) => {
                self.to_long().filter(|t| (0..=DATETIME_MAX).contains(t))
            }
            Self::String(s) => parse_datetime(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_datetime(),
            _ => None,
        }
    }

    /// What `totimespan()` gives; a whole number is ticks.
    pub fn to_timespan(&self) -> Option<i64> {
        match self {
            Self::TimeSpan(t) => Some(*t),
            Self::Int(_) | Self::Long(_) => self.to_long(),
            Self::String(s) => parse_timespan(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_timespan(),
            _ => None,
        }
    }

    /// What `toguid()` gives.
    pub fn to_guid(&self) -> Option<u128> {
        match self {
            Self::Guid(g) => Some(*g),
            Self::String(s) => parse_guid(s),
            Self::Dynamic(j) if !is_compound(j) => self.plain().to_guid(),
            _ => None,
        }
    }

    /// Converts as the function of this type does (`tolong()` …); null where that fails.
    pub fn convert(&self, to: Type) -> Value {
        let converted = match to {
            Type::Bool => self.to_bool().map(Self::Bool),
            Type::Int => self.to_int().map(Self::Int),
            Type::Long => self.to_long().map(Self::Long),
            Type::Real => self.to_real().map(Self::Real),
            Type::Decimal => self.to_decimal().map(Self::Decimal),
            Type::DateTime => self.to_datetime().map(Self::DateTime),
            Type::TimeSpan => self.to_timespan().map(Self::TimeSpan),
            Type::Guid => self.to_guid().map(Self::Guid),
            Type::String => Some(Self::String(self.to_text())),
            Type::Dynamic => Some(Self::json(self.to_json())),
        };
        converted.unwrap_or(Self::Null)
    }

    /// Brings a value to the type that its expression has: whole numbers become longer or real,
    /// numbers decimal, anything dynamic, a dynamic what it holds, and an absent string `""`.
    pub fn widen(self, to: Type) -> Value {
        match (self.kind(), to) {
            (None, to) => Self::absent(to),
            (Some(kind), to) if kind == to => self,
            _ => self.convert(to),
        }
    }
}

fn is_compound(json: &Json) -> bool {
    matches!(json, Json::Array(_) | Json::Bag(_))
}
