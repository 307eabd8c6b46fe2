-- The currency of a payment whose amount was not added to the lead's total, as it is another than
-- the account's; NULL: the amount was added.
ALTER TABLE delivery ADD COLUMN foreign_currency TEXT;
