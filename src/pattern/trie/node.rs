//! The nodes of a tree.

/// Bytes of an edge that are in the node itself.
const SHORT: usize = 22;

/// What a node adds to its parent's prefix.
pub(super) enum Edge {
    Short(u8, [u8; SHORT]),
    Long(Box<[u8]>),
}

/// One cache line, where the value is not larger than a vector.
#[repr(align(64))]
pub(super) struct Node<V> {
    pub(super) parent: u32,
    pub(super) children: u32,
    /// The numbers of all children, combined by exclusive or: of one child, its number.
    pub(super) only_child: u32,
    pub(super) edge: Edge,
    pub(super) value: Option<V>,
}

impl Edge {
    pub(super) fn new(bytes: &[u8]) -> Self {
        if bytes.len() > SHORT {
            return Self::Long(bytes.into());
        }
        let mut short = [0; SHORT];
        short[..bytes.len()].copy_from_slice(bytes);
        Self::Short(bytes.len() as u8, short)
    }

    #[inline(always)]
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Short(length, bytes) => &bytes[..*length as usize],
            Self::Long(bytes) => bytes,
        }
    }
}

impl<V> Node<V> {
    pub(super) fn new(parent: u32, edge: &[u8]) -> Self {
        Self { parent, children: 0, only_child: 0, edge: Edge::new(edge), value: None }
    }

    /// The first byte of its edge; the root and free nodes have none.
    #[inline(always)]
    pub(super) fn first(&self) -> Option<u8> {
        self.edge.bytes().first().copied()
    }

    pub(super) fn add_child(&mut self, child: u32) {
        self.children += 1;
        self.only_child ^= child;
    }

    pub(super) fn remove_child(&mut self, child: u32) {
        self.children -= 1;
        self.only_child ^= child;
    }
}
