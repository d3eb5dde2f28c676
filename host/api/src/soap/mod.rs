//! SOAP 1.1 and 1.2: from an envelope to documents, from documents to an envelope, and the WSDL that says so.
//!
//! A [`Service`] is what one API (or the processes outside of all) serves; it is made once for each deployment. On the way in,
//! [`message`] reads a request and [`inbound`] makes documents of what its operation takes; on the way out, [`outbound`] makes the
//! answer, [`fault`] an error. [`wsdl`] writes the description.

mod envelope;
pub mod fault;
#[cfg(test)]
mod fixtures;
pub mod inbound;
pub mod message;
mod mime;
pub mod outbound;
mod service;
pub mod wsdl;

pub use self::service::{Call, SameBody, Service, ServiceParts, SoapOperation};

/// A version of SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// SOAP 1.1 (W3C Note of 2000, as WS-I Basic Profile 1.1 has it).
    V11,
    /// SOAP 1.2 (W3C Recommendation, second edition).
    V12,
}

impl Version {
    /// Namespace of its envelope.
    pub const fn namespace(self) -> &'static str {
        match self {
            Self::V11 => "http://schemas.xmlsoap.org/soap/envelope/",
            Self::V12 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// Content-Type of its messages.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::V11 => "text/xml; charset=utf-8",
            Self::V12 => "application/soap+xml; charset=utf-8",
        }
    }

    /// What people call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V11 => "SOAP 1.1",
            Self::V12 => "SOAP 1.2",
        }
    }
}
