//! Pages of lists: `?limit=&after=` in, `{"items", "next"}` out.

use serde::Deserialize;
use utoipa::IntoParams;

use super::model::Page;

/// So many entries a page holds where nothing is said.
const LIMIT: usize = 200;
/// No page holds more.
const LIMIT_MAX: usize = 1000;

/// Which page of a list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// So many entries at most; 200 where nothing is said, never more than 1000.
    #[serde(default)]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// The `next` of the page before.
    #[serde(default)]
    #[param(max_length = 512)]
    after: Option<String>,
}

impl PageQuery {
    /// So many entries at most.
    pub(crate) fn limit(&self) -> usize {
        self.limit.map_or(LIMIT, |n| (n as usize).clamp(1, LIMIT_MAX))
    }

    /// Where the page begins.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }
}

/// The wanted page of `all`, which stand in the order of the list; `key` names an entry.
pub(crate) fn page<T>(all: Vec<T>, query: &PageQuery, key: impl Fn(&T) -> String) -> Page<T> {
    let limit = query.limit();
    let begin = match query.after() {
        // An entry that is gone meanwhile ends the list rather than repeating it.
        Some(after) => all.iter().position(|item| key(item) == after).map_or(all.len(), |n| n + 1),
        None => 0,
    };
    let more = all.len() > begin + limit;
    let items: Vec<T> = all.into_iter().skip(begin).take(limit).collect();
    let next = if more { items.last().map(key) } else { None };
    Page { items, next }
}

#[cfg(test)]
mod tests {
    use super::{PageQuery, page};

    fn query(limit: u32, after: Option<&str>) -> PageQuery {
        PageQuery { limit: Some(limit), after: after.map(str::to_owned) }
    }

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let all: Vec<u32> = (0..5).collect();
        let (mut after, mut seen) = (None::<String>, Vec::new());
        loop {
            let page = page(all.clone(), &query(2, after.as_deref()), u32::to_string);
            seen.extend(page.items);
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
        assert!(page(all, &query(2, Some("gone")), u32::to_string).items.is_empty());
    }
}
