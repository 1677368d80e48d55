//! `graph-mark-components`: which nodes hang together.

use super::Net;
use crate::engine::env::Tally;
use crate::engine::{Env, Result};
use crate::value::Value;

/// Gives each node the number of its component, from 0 in the order of nodes; strong ones can
/// be walked in both directions.
pub(super) fn mark(net: &mut Net<'_>, strong: bool, env: &Env<'_>) -> Result<()> {
    let mut tally = env.meter().tally();
    let roots = if strong { strong_roots(net, &mut tally)? } else { weak_roots(net, &mut tally)? };
    let mut numbers = vec![None; net.nodes.len()];
    let mut next = 0;
    for (node, root) in net.nodes.iter_mut().zip(roots) {
        let number = *numbers[root].get_or_insert_with(|| {
            next += 1;
            next - 1
        });
        tally.grow(size_of::<Value>())?;
        node.insert(node.len() - super::HIDDEN, Value::Long(number));
    }
    Ok(())
}

/// One node for each component, the same for all its nodes.
fn weak_roots(net: &Net<'_>, tally: &mut Tally<'_>) -> Result<Vec<usize>> {
    let mut parents: Vec<usize> = (0..net.nodes.len()).collect();
    fn root(parents: &mut [usize], mut node: usize) -> usize {
        while parents[node] != node {
            parents[node] = parents[parents[node]];
            node = parents[node];
        }
        node
    }
    for ends in &net.ends {
        tally.work()?;
        let (a, b) = (root(&mut parents, ends.source), root(&mut parents, ends.target));
        parents[a.max(b)] = a.min(b);
    }
    Ok((0..net.nodes.len()).map(|node| root(&mut parents, node)).collect())
}

/// R. Tarjan's algorithm (1972), with a stack of its own.
fn strong_roots(net: &Net<'_>, tally: &mut Tally<'_>) -> Result<Vec<usize>> {
    const UNSEEN: usize = usize::MAX;
    let n = net.nodes.len();
    let (mut order, mut low, mut roots) = (vec![UNSEEN; n], vec![0; n], vec![UNSEEN; n]);
    let mut open = Vec::new();
    let mut next = 0;
    for first in 0..n {
        if order[first] != UNSEEN {
            continue;
        }
        // A node and how many of its edges were followed.
        let mut path = vec![(first, 0)];
        while let Some((node, done)) = path.pop() {
            tally.work()?;
            if done == 0 {
                order[node] = next;
                low[node] = next;
                next += 1;
                open.push(node);
            }
            if let Some(edge) = net.leaving[node].get(done) {
                path.push((node, done + 1));
                let target = net.ends[*edge].target;
                if order[target] == UNSEEN {
                    path.push((target, 0));
                } else if roots[target] == UNSEEN {
                    low[node] = low[node].min(order[target]);
                }
                continue;
            }
            if let Some((parent, _)) = path.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
            if low[node] == order[node] {
                while let Some(member) = open.pop() {
                    roots[member] = node;
                    if member == node {
                        break;
                    }
                }
            }
        }
    }
    Ok(roots)
}
