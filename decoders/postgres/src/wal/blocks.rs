//! Block references as fields: `XLogRecordBlockHeader` and its parts, src/include/access/xlogrecord.h.

use super::block_headers::{Block, ID_TOPLEVEL_XID, Image};
use binq_core::codec::{Bool, Codec, Int, Named, Raw, Representation, UBits};
use binq_core::rule::{Custom, Path, Relation, Rule};
use binq_core::sequence::{SeqAt, Sequence, State, Step};
use binq_core::shape::{Cx, Field, Fixed, Lazy, Shape};
use binq_core::{Bits, Kind, Malformed, Misfit, Node, Scalar, Span};
use std::ops::Range;
use std::sync::Arc;

fn span(range: &Range<u64>) -> Span {
    Span::bytes(range.start, range.end - range.start)
}

/// `.blocks[]`
pub struct Blocks {
    /// Each with the byte of the stream where its header begins.
    pub blocks: Vec<(u64, Block)>,
}

impl Sequence for Blocks {
    fn name(&self) -> &'static str {
        "block reference"
    }

    fn step(&self, _at: &SeqAt<'_>, state: &State) -> Option<Step> {
        let (_, block) = self.blocks.get(usize::try_from(state.memory).ok()?)?;
        let mut next = State::new(block.header.end * 8);
        next.memory = state.memory + 1;
        Some(Step {
            kind: Kind::shared(Arc::new(block.clone())),
            span: span(&block.header),
            next,
        })
    }
}

/// `ForkNumber`, src/include/common/relpath.h
static FORK: Named<UBits> = Named {
    number: UBits,
    names: &[(0, "main"), (1, "fsm"), (2, "vm"), (3, "init")],
};

/// The upper half of `fork_flags`
static FLAGS: Fixed = Fixed {
    name: "fork_flags",
    fields: &[
        Field::flag("BKPBLOCK_HAS_IMAGE", 4, &Bool),
        Field::flag("BKPBLOCK_HAS_DATA", 5, &Bool),
        Field::flag("BKPBLOCK_WILL_INIT", 6, &Bool),
        Field::flag("BKPBLOCK_SAME_REL", 7, &Bool),
    ],
    word: Some(&Int::U8),
};

/// `id`: 252 to 255 would make the header one of something else.
struct BlockId;

impl Codec for BlockId {
    fn representation(&self) -> Representation {
        Int::U8.representation()
    }

    fn decode(&self, bits: &Bits) -> Result<Scalar, Misfit> {
        Int::U8.decode(bits)
    }

    fn encode(&self, value: &Scalar, like: &Bits) -> Result<Bits, Misfit> {
        let before = i128::from(ID_TOPLEVEL_XID);
        match value.as_int() {
            Some(n) if (0..before).contains(&n) => Int::U8.encode(value, like),
            _ => Err(Misfit::new("an integer from 0 to 251", value)),
        }
    }
}

static DATA_LENGTH: Rule = Rule::len_of("data");

/// The flag goes with data that is emptied: the server sets it where there is some (`XLogRecordAssemble`, xloginsert.c), and
/// refuses it where there is none.
static HAS_DATA: [Relation; 1] = [Relation::One {
    field: Path::Names(&["flags", "BKPBLOCK_HAS_DATA"]),
    rule: Rule::Custom(Custom::Of(has_data)),
}];

fn has_data(block: &Node) -> Option<Scalar> {
    let data = block.field("data")?.actual()?;
    Some(Scalar::Bool(!data.as_bytes()?.is_empty()))
}

static LAYOUT: [Field; 4] = [
    Field::leaf("id", 0, 1, &BlockId),
    // the low four bits, BKPBLOCK_FORK_MASK
    Field::bits("fork", 12, 4, &FORK),
    Field::of("flags", 1, 1, &FLAGS),
    Field::leaf("data_length", 2, 2, &Int::U16LE).derived(&DATA_LENGTH),
];

/// `RelFileNode` until 15, `RelFileLocator` since; the names are those of 16 on.
static RLOCATOR: Fixed = Fixed {
    name: "RelFileLocator",
    fields: &[
        Field::leaf("spcOid", 0, 4, &Int::U32LE),
        Field::leaf("dbOid", 4, 4, &Int::U32LE),
        Field::leaf("relNumber", 8, 4, &Int::U32LE),
    ],
    word: None,
};

impl Shape for Block {
    fn name(&self) -> &'static str {
        "XLogRecordBlockHeader"
    }

    fn layout(&self) -> &'static [Field] {
        &LAYOUT
    }

    fn relations(&self) -> &[Relation] {
        &HAS_DATA
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        if let Some(image) = &self.image {
            let shape = ImageShape {
                major: self.major,
                image: image.clone(),
            };
            cx.node("image", span(&image.header), Kind::shared(Arc::new(shape)));
        }
        // a block of the same relation as the one before it shares that one's bytes
        if let Some(at) = self.rlocator {
            cx.node("rlocator", Span::bytes(at, 12), Kind::fixed(&RLOCATOR));
        }
        if let Some(at) = self.blkno {
            cx.leaf("blkno", Span::bytes(at, 4), &Int::U32LE);
        }
        if self.data.end > self.data.start {
            cx.leaf("data", span(&self.data), &Raw::ANY);
        }
        Ok(())
    }
}

struct ImageShape {
    major: u8,
    image: Image,
}

static IMAGE_LENGTH: Rule = Rule::len_of("data");

/// `XLogRecordBlockImageHeader`, with `bimg_info` as it was up to 14, and from 15 on.
macro_rules! image_layout {
    ($flags:expr) => {
        [
            Field::leaf("length", 0, 2, &Int::U16LE).derived(&IMAGE_LENGTH),
            Field::leaf("hole_offset", 2, 2, &Int::U16LE),
            Field::of("flags", 4, 1, $flags),
        ]
    };
}

static IMAGE_UNTIL_14: [Field; 3] = image_layout!(&Fixed {
    name: "bimg_info",
    fields: &[
        Field::flag("BKPIMAGE_HAS_HOLE", 0, &Bool),
        Field::flag("BKPIMAGE_IS_COMPRESSED", 1, &Bool),
        Field::flag("BKPIMAGE_APPLY", 2, &Bool),
    ],
    word: Some(&Int::U8),
});

static IMAGE_SINCE_15: [Field; 3] = image_layout!(&Fixed {
    name: "bimg_info",
    fields: &[
        Field::flag("BKPIMAGE_HAS_HOLE", 0, &Bool),
        Field::flag("BKPIMAGE_APPLY", 1, &Bool),
        Field::flag("BKPIMAGE_COMPRESS_PGLZ", 2, &Bool),
        Field::flag("BKPIMAGE_COMPRESS_LZ4", 3, &Bool),
        Field::flag("BKPIMAGE_COMPRESS_ZSTD", 4, &Bool),
    ],
    word: Some(&Int::U8),
});

impl Shape for ImageShape {
    fn name(&self) -> &'static str {
        "XLogRecordBlockImageHeader"
    }

    fn layout(&self) -> &'static [Field] {
        match self.major {
            ..=14 => &IMAGE_UNTIL_14,
            _ => &IMAGE_SINCE_15,
        }
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        if self.image.stored_hole {
            let at = self.image.header.start + 5;
            cx.leaf("hole_length", Span::bytes(at, 2), &Int::U16LE);
        }
        cx.leaf("data", span(&self.image.data), &Raw::ANY);
        Ok(())
    }

    fn lazy(&self) -> Option<&dyn Lazy> {
        Some(self)
    }
}

impl Lazy for ImageShape {
    fn computed(&self) -> &'static [(&'static str, &'static dyn Codec)] {
        match self.image.stored_hole {
            true => &[],
            // not stored: what the image leaves of the block
            false => &[("hole_length", &Int::U16LE)],
        }
    }

    fn compute(&self, _name: &str, _at: &binq_core::shape::At<'_>) -> Scalar {
        Scalar::Int(self.image.hole.into())
    }
}
