//! Properties of a connection that every message from it carries.

use std::ffi::{CStr, CString};

/// Name and value pairs, and the descriptor of the connection (zmq_msg_gets(3), ZMQ_SRCFD).
#[derive(Debug, Default)]
pub struct Metadata {
    properties: Vec<(CString, CString)>,
    source_descriptor: i32,
}

impl Metadata {
    /// An empty list for a connection with this descriptor.
    pub fn new(source_descriptor: i32) -> Self {
        Self { properties: Vec::new(), source_descriptor }
    }

    /// Adds a property. What follows a NUL byte is invisible to C and left out.
    pub fn insert(&mut self, name: &str, value: &[u8]) {
        self.properties.push((c_string(name.as_bytes()), c_string(value)));
    }

    /// The value of a property, for C; the name is compared as it is.
    pub fn c_value(&self, name: &str) -> Option<&CStr> {
        let found = self.properties.iter().find(|(own, _)| own.to_bytes() == name.as_bytes());
        found.map(|(_, value)| value.as_c_str())
    }

    /// The descriptor of the connection.
    pub fn source_fd(&self) -> i32 {
        self.source_descriptor
    }
}

fn c_string(bytes: &[u8]) -> CString {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    CString::new(&bytes[..end]).unwrap_or_default()
}
