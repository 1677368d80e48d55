//! Graph operators.

use super::super::operator::{GraphElement, GraphOutput, OperatorKind, Property};
use super::super::token::TokenKind;
use super::super::tree::{Expr, Name};
use super::Parser;
use super::operator::plain;

type Made = (Vec<Property>, OperatorKind);

impl Parser<'_> {
    /// Whether these tokens stand here side by side.
    fn arrow(&self, kinds: &[TokenKind]) -> bool {
        kinds
            .iter()
            .enumerate()
            .all(|(i, kind)| self.peek_at(i) == *kind && (i == 0 || self.token(i).glued))
    }

    fn eat_arrow(&mut self, kinds: &[TokenKind]) -> bool {
        let there = self.arrow(kinds);
        if there {
            for _ in kinds {
                self.advance();
            }
        }
        there
    }

    pub(super) fn make_graph(&mut self) -> Made {
        use TokenKind::{Greater, Minus};
        let properties = self.properties(&[]);
        let source = self.expect_name("a column");
        if !self.eat_arrow(&[Minus, Minus, Greater]) && !self.eat_arrow(&[Minus, Minus]) {
            self.expected("`-->`");
        }
        let target = self.expect_name("a column");
        let mut nodes = Vec::new();
        let mut node_id = None;
        if self.eat_word("with") {
            nodes = self.list(|p| {
                let table = p.postfix();
                p.expect_word("on");
                (table, p.expect_name("a column"))
            });
        } else if self.eat_word("with_node_id") {
            self.expect(TokenKind::Equal, "`=`");
            node_id = Some(self.expect_name("a name"));
        }
        let partitioned_by = self.eat_word("partitioned-by").then(|| {
            let column = self.expect_name("a column");
            (column, self.sub_query())
        });
        let kind = OperatorKind::MakeGraph { source, target, nodes, node_id, partitioned_by };
        (properties, kind)
    }

    pub(super) fn graph_match(&mut self, shortest: bool) -> Made {
        let properties = self.properties(&["cycles", "output"]);
        let patterns = self.list(Self::graph_pattern);
        let predicate = self.eat_word("where").then(|| self.expression());
        let project = self.eat_word("project").then(|| self.list(Self::named));
        (properties, OperatorKind::GraphMatch { patterns, predicate, project, shortest })
    }

    fn graph_pattern(&mut self) -> Vec<GraphElement> {
        let mut elements = Vec::new();
        loop {
            if self.eat(TokenKind::OpenParen) {
                let name = self.name();
                self.close(TokenKind::CloseParen, "`)`");
                elements.push(GraphElement::Node(name));
            } else if let Some(edge) = self.graph_edge() {
                elements.push(edge);
            } else {
                break;
            }
        }
        if elements.is_empty() {
            self.expected("a pattern like `(a)-[b]->(c)`");
        }
        elements
    }

    fn graph_edge(&mut self) -> Option<GraphElement> {
        use TokenKind::{CloseBracket, Greater, Less, Minus, OpenBracket};
        let bare = |forward| Some(GraphElement::Edge { name: None, forward, hops: None });
        if self.eat_arrow(&[Minus, Minus, Greater]) {
            return bare(Some(true));
        }
        if self.eat_arrow(&[Less, Minus, Minus]) {
            return bare(Some(false));
        }
        if self.eat_arrow(&[Minus, Minus]) {
            return bare(None);
        }
        let backward = self.eat_arrow(&[Less, Minus, OpenBracket]);
        if !backward && !self.eat_arrow(&[Minus, OpenBracket]) {
            return None;
        }
        let name = self.name();
        let hops = self.eat(TokenKind::Star).then(|| self.hops());
        let forward = if self.eat_arrow(&[CloseBracket, Minus, Greater]) {
            Some(true)
        } else {
            if !self.eat_arrow(&[CloseBracket, Minus]) {
                self.expected("`]->` or `]-`");
            }
            backward.then_some(false)
        };
        Some(GraphElement::Edge { name, forward, hops })
    }

    fn hops(&mut self) -> (Expr, Expr) {
        let low = self.postfix();
        self.expect(TokenKind::DotDot, "`..`");
        (low, self.postfix())
    }

    pub(super) fn graph_where(&mut self, edges: bool) -> Made {
        plain(OperatorKind::GraphWhere { edges, predicate: self.expression() })
    }

    pub(super) fn graph_to_table(&mut self) -> Made {
        let outputs = self.list(|p| {
            let edges = p.is_word("edges");
            if edges || p.is_word("nodes") {
                p.advance();
            } else {
                p.expected("`nodes` or `edges`");
            }
            let name = p.eat_word("as").then(|| p.expect_name("a name"));
            let mut properties: Vec<(Name, Name)> = Vec::new();
            while p.word().starts_with("with_") && p.peek_at(1) == TokenKind::Equal {
                let property = p.expect_name("a property");
                p.advance();
                properties.push((property, p.expect_name("a name")));
            }
            GraphOutput { edges, name, properties }
        });
        plain(OperatorKind::GraphToTable(outputs))
    }
}
