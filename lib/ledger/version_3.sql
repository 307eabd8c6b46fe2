-- The payment id that a lead showed before it was changed: an id that is another afterwards is ours,
-- however amoCRM shows it.
ALTER TABLE delivery ADD COLUMN id_before TEXT;
