//! Columns, aligned.

use std::fmt;

/// Text in columns: names to the left, numbers to the right.
pub(crate) struct Table {
    /// How many columns, from the left, hold names.
    names: usize,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(names: usize, head: &[&str]) -> Table {
        Table {
            names,
            rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()],
        }
    }

    pub(crate) fn add(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    fn write_row(&self, f: &mut fmt::Formatter<'_>, row: &[String]) -> fmt::Result {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = self.width(column);
            line += &if column < self.names {
                format!("{cell:<width$}  ")
            } else {
                format!("{cell:>width$}  ")
            };
        }
        writeln!(f, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.iter().try_for_each(|row| self.write_row(f, row))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut table = Table::new(1, &["case", "rate"]);
        table.add(vec!["a".into(), "1,000".into()]);
        table.add(vec!["größer".into(), "7".into()]);
        assert_eq!(
            table.to_string(),
            "case     rate\na       1,000\ngrößer      7\n"
        );
    }
}
