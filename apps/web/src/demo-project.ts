/** The contract's `DEMO_PROJECT_ID`, written out since the contract's own module would bring zod into the page. */
export const DEMO_PROJECT = "550e8400-e29b-41d4-a716-446655440000";
