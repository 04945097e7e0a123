"""The product's description in OpenAPI 3.1. Imported when somebody asks for it: no other request pays for it."""
