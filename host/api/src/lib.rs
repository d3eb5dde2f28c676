//! Pure functions between HTTP and documents: a request becomes properties and documents, documents become a response.
//!
//! Nothing here holds a socket, a clock or a file, so that everything can be tested in milliseconds and fuzzed.
//! The way in: [`route`] finds the operation, [`properties`] and [`headers`] say what the process gets to see of the
//! request, [`inbound`] turns the body into documents. The way out: [`paging`] cuts long answers, [`outbound`] makes
//! status, headers and body, [`problem`] is the shape of an error.

pub mod headers;
pub mod inbound;
mod json;
pub mod outbound;
pub mod paging;
mod parse_error;
mod percent;
pub mod problem;
pub mod profile;
pub mod properties;
#[cfg(test)]
mod round_trip;
pub mod route;
pub mod soap;
pub mod target;
pub mod validate;
mod xml;
mod xsd;

/// Writes text as it has to stand between the tags of XML to be read back unchanged. What XML has no place for is left out.
pub fn xml_escaped(value: &str, into: &mut String) {
    xml::escaped(value, into);
}
