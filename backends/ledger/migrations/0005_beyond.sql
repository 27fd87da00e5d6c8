-- What of a charge was billed above the call's reservation: by a provider that exceeded the caps it was given.
ALTER TABLE charges ADD COLUMN beyond_usd TEXT NOT NULL DEFAULT '0';
