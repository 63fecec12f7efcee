-- Run once by the image of PostgreSQL, on an empty data folder: a database and a role for each server.
\getenv prefect_password HW3_PREFECT_DB_PASSWORD
\getenv mlflow_password HW3_MLFLOW_DB_PASSWORD

CREATE ROLE prefect LOGIN PASSWORD :'prefect_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE prefect OWNER prefect;
CREATE DATABASE mlflow OWNER mlflow;
-- Neither role looks into the other's database.
REVOKE CONNECT ON DATABASE prefect FROM PUBLIC;
REVOKE CONNECT ON DATABASE mlflow FROM PUBLIC;

\connect prefect
-- Prefect's migrations need it.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
