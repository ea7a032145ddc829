CREATE TABLE "legal_announcements" (
	"document" varchar(16) NOT NULL,
	"version" integer NOT NULL,
	"last_account" varchar(16) NOT NULL,
	"finished_at" timestamp (3) with time zone,
	CONSTRAINT "legal_announcements_document_version_pk" PRIMARY KEY("document","version"),
	CONSTRAINT "legal_announcements_document" CHECK ("legal_announcements"."document" ~ '^[a-z]+$')
);
