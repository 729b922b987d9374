//! Databases that can't hold every text, and what is said of a text that a database dislikes.

use super::cluster::Cluster;
use super::sample::{Home, entry};
use super::suite::tamper;
use crate::error::chain;
use crate::ledger::book::Book;
use crate::ledger::job::{Placed, Record, Write};
use crate::ledger::place::Place;
use crate::ledger::postgres::{AS_GATEWAY, Postgres};
use crate::ledger::schema::migrate;
use crate::ledger::{CannotOpen, Fault, Ledger, Reader};

/// A learner's id that fits no such encoding would be sent, and never recorded.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_holds_not_every_text_is_refused() {
    let cluster = Cluster::shared();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let url = cluster.database_with(&format!("ENCODING '{encoding}' TEMPLATE template0"));
        let home = Home::at_url(cluster.clone(), url);
        let opened = Ledger::open(&home.settings).err();
        let refused = opened.unwrap();
        assert!(matches!(refused, CannotOpen::Encoding(_)), "{refused}");
        let shown = refused.to_string();
        assert!(
            shown.contains(encoding) && shown.contains("UTF8"),
            "{shown}"
        );
        // Who only looks, or erases, may have to.
        let read = tokio::task::block_in_place(|| Reader::open(&home.settings).err());
        assert!(matches!(read, Some(CannotOpen::Unused)));
        let tables = "SELECT COUNT(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(cluster.psql(&home.name(), tables).trim(), "0");
    }
}

/// The server's text repeats the value, or its bytes.
#[test]
fn what_is_said_of_a_refused_value_does_not_repeat_it() {
    let home = Home::postgres();
    let Place::Postgres(place) = &home.settings.place else {
        panic!("PostgreSQL has a URL");
    };
    let mut database = Postgres::connect(place, AS_GATEWAY).unwrap();
    migrate(&mut database).unwrap();
    tamper(
        &home,
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS \
         $$ BEGIN RAISE EXCEPTION '%', NEW.learner USING ERRCODE = '22P05'; END $$; \
         CREATE TRIGGER no BEFORE INSERT ON cells FOR EACH ROW EXECUTE FUNCTION no()",
    );
    let mut book = Book::new(Box::new(database), "test".into(), Default::default());
    let refused = book.write(&[Write::Record(Record {
        placed: Placed::new(entry("canary", "1")),
        is_intended: false,
        held: None,
    })]);
    let refused = refused.err().unwrap();
    assert!(matches!(refused, Fault::Refused(_)), "{refused}");
    let told = chain(&refused);
    assert!(told.contains("22P05"), "{told}");
    assert!(!told.contains("canary"), "{told}");
}
