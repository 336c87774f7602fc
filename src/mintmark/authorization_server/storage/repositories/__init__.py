"""One module of plain functions over a connection for each aggregate. Decisions are made elsewhere."""
