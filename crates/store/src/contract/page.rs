/// How much a page holds at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    pub rows: usize,
    /// Of all bodies together.
    pub bytes: usize,
}

impl PageLimit {
    /// The bytes that a page holds at most, unless it has one row.
    pub const BYTES: usize = 4 * 1024 * 1024;

    /// So many rows, and as many bytes as usual.
    pub fn rows(rows: usize) -> Self {
        Self {
            rows,
            bytes: Self::BYTES,
        }
    }

    /// Counts the rows of one page.
    pub fn meter(self) -> PageMeter {
        PageMeter {
            limit: self,
            rows: 0,
            bytes: 0,
        }
    }
}

/// Says when a page is full. A first row always has room, or a page could stay empty for ever.
#[derive(Clone, Copy, Debug)]
pub struct PageMeter {
    limit: PageLimit,
    rows: usize,
    bytes: usize,
}

impl PageMeter {
    /// Takes in one more row; `false` if there is no room for it.
    pub fn take(&mut self, bytes: usize) -> bool {
        let sum = self.bytes.saturating_add(bytes);
        let has_room = self.rows < self.limit.rows && (self.rows == 0 || sum <= self.limit.bytes);
        if has_room {
            self.rows += 1;
            self.bytes = sum;
        }
        has_room
    }
}
