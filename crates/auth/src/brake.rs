//! What slows down guessing, and can never lock out the operator.
