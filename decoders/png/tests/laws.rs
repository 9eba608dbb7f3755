//! The laws over the samples of PNG.

binq_laws::check!(
    binq_png::PNG,
    "../../samples/png",
    shaping: &["length", "type", "compression_flag"][..],
    refusals: &["no chunk can follow IEND"][..],
);
