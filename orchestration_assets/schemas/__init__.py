"""Ground floor: record types, table schemas, enums and the policy's models. No logic lives here."""
