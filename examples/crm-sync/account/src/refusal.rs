//! Why a request is not carried out, and the answer that says so: problem details (RFC 9457) where the caller can do
//! something about it, a failed execution where it is our own doing.

use auricle_guest::{Error, Reply, sql};
use serde::Serialize;

use crate::Id;

/// Why a request is not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// The body could not be read at all: 400.
    Body(String),
    /// Fields are wrong: 400.
    Invalid(Vec<Flaw>),
    /// There is no Account of this Id: 404.
    NotFound(String),
    /// There is an Account of this Id already: 409.
    Exists(Id),
    /// The process itself failed: the caller is told no more than that, the record has the message.
    Failed(Error),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flaw {
    /// The field's name, as it was given.
    pub field: String,
    /// The end of a sentence that begins with the name.
    pub reason: String,
}

impl Flaw {
    /// What is wrong with the field of this name.
    pub fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// What the caller is told (RFC 9457).
#[derive(Debug, Serialize)]
pub struct Problem {
    /// The kind of refusal.
    pub title: &'static str,
    /// HTTP status, 400 or more.
    pub status: u16,
    /// What is wrong with this request.
    pub detail: String,
    /// Every field that is wrong, where fields are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Flaw>,
}

impl Refusal {
    /// One field is wrong.
    pub fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![Flaw::new(field, reason)])
    }

    /// What the caller is told.
    ///
    /// # Errors
    /// Where the process itself failed.
    pub fn problem(self) -> Result<Problem, Error> {
        let mut errors = Vec::new();
        let (status, title, detail) = match self {
            Self::Body(detail) => (400, "The request cannot be read", detail),
            Self::Invalid(flaws) => {
                errors = flaws;
                let told: Vec<_> = errors.iter().map(|Flaw { field, reason }| format!("{field} {reason}.")).collect();
                (400, "The Account is not valid", told.join(" "))
            }
            Self::NotFound(id) => (404, "There is no such Account", format!("No Account has the Id {id}.")),
            Self::Exists(id) => {
                let detail = format!("An Account has the Id {id} already. To change it, update it.");
                (409, "The Account is there already", detail)
            }
            Self::Failed(error) => return Err(error),
        };
        Ok(Problem { title, status, detail, errors })
    }

    /// The answer to the caller, as JSON.
    ///
    /// # Errors
    /// Where the process itself failed.
    pub fn answer(self) -> Result<Reply, Error> {
        let problem = self.problem()?;
        Reply::status(problem.status).header("Content-Type", "application/problem+json").json(&problem)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<sql::Error> for Refusal {
    fn from(error: sql::Error) -> Self {
        Self::Failed(error.into())
    }
}
