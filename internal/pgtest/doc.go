// Package pgtest gives each test a PostgreSQL database of its own, migrated
// and empty of data.
//
// The first test of a test binary that asks starts a PostgreSQL, with
// durability off, and migrates a template; every database is a copy of that,
// and dropped at the end of its test. PostgreSQL ends with the test binary,
// even if that is killed, and a moment after it; a package that wants it gone
// before calls Main.
//
// Two variables of the environment change that. TEST_DATABASE_URL names a
// server to use in place of one started; its role must be allowed to create
// databases, and the tests of several packages may use it at once.
// TEST_DATABASE_KEEP=1 keeps the databases of tests that failed, and says
// where they are.
//
// Tests that want PostgreSQL to crash have a Cluster.
package pgtest
