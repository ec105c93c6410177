//! Tables, as Markdown has them: aligned, so that they can be read as they are.

/// The first row is the head; all but the first column are figures.
pub(crate) struct Table(Vec<Vec<String>>);

impl Table {
    pub(crate) fn with_head(head: impl IntoIterator<Item = String>) -> Self {
        Self(vec![head.into_iter().collect()])
    }

    /// Adds a row, unless it has nothing to tell.
    pub(crate) fn add(&mut self, name: impl Into<String>, figures: impl IntoIterator<Item = Option<String>>) {
        let figures: Vec<_> = figures.into_iter().collect();
        if figures.iter().any(Option::is_some) {
            let cells = figures.into_iter().map(|figure| figure.unwrap_or_else(|| "–".to_owned()));
            self.0.push(std::iter::once(name.into()).chain(cells).collect());
        }
    }

    /// Empty without any row.
    pub(crate) fn text(&self) -> String {
        let Self(rows) = self;
        if rows.len() < 2 {
            return String::new();
        }
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0).max(3))
            .collect();
        let line = |row: &[String]| {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
                0 => format!("| {cell:width$} |"),
                _ => format!(" {cell:>width$} |"),
            });
            cells.chain(["\n".to_owned()]).collect::<String>()
        };
        let rule = widths.iter().enumerate().map(|(column, width)| match column {
            0 => format!("|{}|", "-".repeat(width + 2)),
            _ => format!("{}:|", "-".repeat(width + 1)),
        });
        let mut text = line(&rows[0]);
        text.extend(rule);
        text += "\n";
        text.extend(rows[1..].iter().map(|row| line(row)));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_aligned_and_says_where_there_is_no_figure() {
        let mut table = Table::with_head(["case".to_owned(), "lb".to_owned(), "nginx".to_owned()]);
        table.add("get-64", [Some("1.00".to_owned()), None]);
        table.add("nothing", [None, None]);
        let text = "| case   |   lb | nginx |\n|--------|-----:|------:|\n| get-64 | 1.00 |     – |\n";
        assert_eq!(table.text(), text);
    }
}
