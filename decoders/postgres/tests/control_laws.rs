//! The laws over control files.

binq_laws::check!(
    binq_postgres::control::PG_CONTROL,
    "../../samples/pg_control",
    ending: ".control",
    shaping: &["pg_control_version", "catalog_version_no"][..],
    unshown: 35u64,
);
