//! `buildschema`: the least schema that admits all dynamic values of a group.

use std::sync::Arc;

use super::{Accumulator, Table};
use crate::value::{Json, Value};

/// So many properties a schema has at most, over all its levels.
const PROPERTIES_MAX: usize = 10_000;

pub(super) const TABLE: Table = &[("buildschema", |_| Box::new(Schema::default()))];

/// What the elements of an array are called in a schema.
const INDEXER: &str = "`indexer`";

/// What one place may hold: primitive types in order of appearance, and a container.
#[derive(Debug, Default)]
struct Place {
    primitives: Vec<&'static str>,
    container: Option<Vec<(Arc<str>, Place)>>,
}

impl Place {
    fn admit(&mut self, json: &Json, n: &mut usize) {
        let primitive = match json {
            Json::Null => return,
            Json::Bool(_) => "bool",
            Json::Long(_) => "long",
            Json::Real(_) => "double",
            Json::String(_) => "string",
            Json::Array(elements) => {
                if let Some(place) = self.property(&INDEXER.into(), n) {
                    for element in elements {
                        place.admit(element, n);
                    }
                }
                return;
            }
            Json::Bag(members) => {
                self.container.get_or_insert_default();
                for (key, value) in members {
                    if let Some(place) = self.property(key, n) {
                        place.admit(value, n);
                    }
                }
                return;
            }
        };
        if !self.primitives.contains(&primitive) {
            self.primitives.push(primitive);
        }
    }

    fn property(&mut self, name: &Arc<str>, n: &mut usize) -> Option<&mut Self> {
        let container = self.container.get_or_insert_default();
        let at = match container.iter().position(|(key, _)| key == name) {
            Some(at) => at,
            None if *n >= PROPERTIES_MAX => return None,
            None => {
                *n += 1;
                container.push((Arc::clone(name), Self::default()));
                container.len() - 1
            }
        };
        Some(&mut container[at].1)
    }

    fn to_json(&self) -> Json {
        let mut all: Vec<Json> =
            self.primitives.iter().map(|name| Json::String((*name).into())).collect();
        if let Some(container) = &self.container {
            let members = container.iter().map(|(key, place)| (Arc::clone(key), place.to_json()));
            all.push(Json::Bag(members.collect()));
        }
        match all.len() {
            0 => Json::Null,
            1 => all.swap_remove(0),
            _ => Json::Array(all),
        }
    }

    /// Takes in what `to_json` gave elsewhere.
    fn admit_schema(&mut self, schema: &Json, n: &mut usize) {
        match schema {
            Json::String(name) => {
                let known = ["bool", "long", "double", "string"].iter().find(|k| **k == &**name);
                if let Some(name) = known
                    && !self.primitives.contains(name)
                {
                    self.primitives.push(name);
                }
            }
            Json::Array(parts) => parts.iter().for_each(|part| self.admit_schema(part, n)),
            Json::Bag(members) => {
                self.container.get_or_insert_default();
                for (key, inner) in members {
                    if let Some(place) = self.property(key, n) {
                        place.admit_schema(inner, n);
                    }
                }
            }
            _ => {}
        }
    }
}

#[derive(Debug, Default)]
struct Schema {
    root: Place,
    n: usize,
}

impl Accumulator for Schema {
    fn update(&mut self, arguments: &[Value]) {
        if let Some(value) = arguments.first() {
            self.root.admit(&value.to_json(), &mut self.n);
        }
    }

    fn state(&self) -> Vec<Value> {
        self.finish()
    }

    fn merge(&mut self, state: &[Value]) {
        if let Some(Value::Dynamic(schema)) = state.first() {
            self.root.admit_schema(schema, &mut self.n);
        }
    }

    fn finish(&self) -> Vec<Value> {
        vec![Value::json(self.root.to_json())]
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.n * 96
    }
}
