//! `convert_length()` and its like: from one unit of measure to another.
//!
//! Factors are those of the open library UnitsNet, whose unit names Kusto uses.

mod table;

use super::arguments::{or_null, real, text};
use super::{Context, Table};
use crate::value::Value;

/// Tables of this topic.
pub(super) const TABLES: [Table; 1] = [TABLE];

const TABLE: Table = &[
    ("convert_angle", |a, _| convert(a, table::ANGLE)),
    ("convert_energy", |a, _| convert(a, table::ENERGY)),
    ("convert_force", |a, _| convert(a, table::FORCE)),
    ("convert_length", |a, _| convert(a, table::LENGTH)),
    ("convert_mass", |a, _| convert(a, table::MASS)),
    ("convert_speed", |a, _| convert(a, table::SPEED)),
    ("convert_temperature", convert_temperature),
    ("convert_volume", |a, _| convert(a, table::VOLUME)),
];

/// A unit's name and how many of the base unit it is.
type Units = &'static [(&'static str, f64)];

fn factor(units: Units, name: &str) -> Option<f64> {
    units.iter().find(|(unit, _)| *unit == name).map(|(_, factor)| *factor)
}

fn convert(arguments: &[Value], units: Units) -> Value {
    let result = || {
        let (from, to) = (text(arguments, 1), text(arguments, 2));
        let (from, to) = (factor(units, &from)?, factor(units, &to)?);
        Some(real(arguments, 0)? * from / to)
    };
    or_null(result(), Value::Real)
}

/// Kelvin are `x * factor + offset`.
fn temperature(name: &str) -> Option<(f64, f64)> {
    Some(match name {
        "DegreeCelsius" => (1.0, 273.15),
        "DegreeDelisle" => (-2.0 / 3.0, 373.15),
        "DegreeFahrenheit" => (5.0 / 9.0, 459.67 * 5.0 / 9.0),
        "DegreeNewton" => (100.0 / 33.0, 273.15),
        "DegreeRankine" => (5.0 / 9.0, 0.0),
        "DegreeReaumur" => (1.25, 273.15),
        "DegreeRoemer" => (40.0 / 21.0, 273.15 - 7.5 * 40.0 / 21.0),
        "Kelvin" => (1.0, 0.0),
        "MillidegreeCelsius" => (0.001, 273.15),
        "SolarTemperature" => (5778.0, 0.0),
        _ => return None,
    })
}

fn convert_temperature(arguments: &[Value], _: &Context) -> Value {
    let result = || {
        let (factor, offset) = temperature(&text(arguments, 1))?;
        let (to_factor, to_offset) = temperature(&text(arguments, 2))?;
        Some((real(arguments, 0)? * factor + offset - to_offset) / to_factor)
    };
    or_null(result(), Value::Real)
}
