"""Reference pages in Markdown, made from the table schemas and the policy's models."""
