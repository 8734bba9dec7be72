"""The schema's migrations (Alembic) and the templates of every query (JinjaSQL)."""
