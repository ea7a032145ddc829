export { connect, type Database, DatabaseError, type QueryError } from './connection.ts';
