//! Records of the Heap resource manager, src/include/access/heapam_xlog.h.

use binq_core::codec::{Bool, Int, Raw};
use binq_core::shape::{Cx, Field, Fixed, Shape};
use binq_core::{Malformed, Span};

/// `RM_HEAP_ID`
pub const RMID: u8 = 10;

/// `XLOG_HEAP_OPMASK`
const OPMASK: u8 = 0x70;
const INSERT: u8 = 0x00;
const DELETE: u8 = 0x10;
const UPDATE: u8 = 0x20;
const HOT_UPDATE: u8 = 0x40;

/// The struct of a record's main data.
pub fn main_data(major: u8, info: u8) -> Option<&'static dyn Shape> {
    match (info & OPMASK, major) {
        (INSERT, ..=13) => Some(&INSERT_12),
        (INSERT, 14..) => Some(&INSERT_14),
        (DELETE, _) => Some(&DELETE_ANY),
        (UPDATE | HOT_UPDATE, _) => Some(&UPDATE_ANY),
        _ => None,
    }
}

/// `xl_heap_insert`; `$more` are the flags that 14 added.
macro_rules! insert {
    ($($more:expr),*) => {
        Fixed {
            name: "xl_heap_insert",
            fields: &[
                Field::leaf("offnum", 0, 2, &Int::U16LE),
                Field::of("flags", 2, 1, &Fixed {
                    name: "xl_heap_insert.flags",
                    fields: &[
                        Field::flag("XLH_INSERT_ALL_VISIBLE_CLEARED", 0, &Bool),
                        Field::flag("XLH_INSERT_LAST_IN_MULTI", 1, &Bool),
                        Field::flag("XLH_INSERT_IS_SPECULATIVE", 2, &Bool),
                        Field::flag("XLH_INSERT_CONTAINS_NEW_TUPLE", 3, &Bool),
                        $($more,)*
                    ],
                    word: Some(&Int::U8),
                }),
            ],
            word: None,
        }
    };
}

static INSERT_12: Fixed = insert!();
static INSERT_14: Fixed = insert!(
    Field::flag("XLH_INSERT_ON_TOAST_RELATION", 4, &Bool),
    Field::flag("XLH_INSERT_ALL_FROZEN_SET", 5, &Bool)
);

/// A struct after which the old tuple may follow: `xl_heap_header` and the tuple's bytes.
struct WithOldTuple {
    name: &'static str,
    fields: &'static [Field],
}

impl Shape for WithOldTuple {
    fn name(&self) -> &'static str {
        self.name
    }

    fn layout(&self) -> &'static [Field] {
        self.fields
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<(), Malformed> {
        let covered = self.fields.last().map_or(0, |f| f.span.end());
        let rest = Span::bits(cx.at.span.start + covered, cx.at.span.len - covered);
        if rest.len > 0 {
            cx.leaf("old_tuple", rest, &Raw::ANY);
        }
        Ok(())
    }
}

/// `XLHL_*`
static INFOBITS: Fixed = Fixed {
    name: "infobits_set",
    fields: &[
        Field::flag("XLHL_XMAX_IS_MULTI", 0, &Bool),
        Field::flag("XLHL_XMAX_LOCK_ONLY", 1, &Bool),
        Field::flag("XLHL_XMAX_EXCL_LOCK", 2, &Bool),
        Field::flag("XLHL_XMAX_KEYSHR_LOCK", 3, &Bool),
        Field::flag("XLHL_KEYS_UPDATED", 4, &Bool),
    ],
    word: Some(&Int::U8),
};

static DELETE_ANY: WithOldTuple = WithOldTuple {
    name: "xl_heap_delete",
    fields: &[
        Field::leaf("xmax", 0, 4, &Int::U32LE),
        Field::leaf("offnum", 4, 2, &Int::U16LE),
        Field::of("infobits_set", 6, 1, &INFOBITS),
        Field::of(
            "flags",
            7,
            1,
            &Fixed {
                name: "xl_heap_delete.flags",
                fields: &[
                    Field::flag("XLH_DELETE_ALL_VISIBLE_CLEARED", 0, &Bool),
                    Field::flag("XLH_DELETE_CONTAINS_OLD_TUPLE", 1, &Bool),
                    Field::flag("XLH_DELETE_CONTAINS_OLD_KEY", 2, &Bool),
                    Field::flag("XLH_DELETE_IS_SUPER", 3, &Bool),
                    Field::flag("XLH_DELETE_IS_PARTITION_MOVE", 4, &Bool),
                ],
                word: Some(&Int::U8),
            },
        ),
    ],
};

static UPDATE_ANY: WithOldTuple = WithOldTuple {
    name: "xl_heap_update",
    fields: &[
        Field::leaf("old_xmax", 0, 4, &Int::U32LE),
        Field::leaf("old_offnum", 4, 2, &Int::U16LE),
        Field::of("old_infobits_set", 6, 1, &INFOBITS),
        Field::of(
            "flags",
            7,
            1,
            &Fixed {
                name: "xl_heap_update.flags",
                fields: &[
                    Field::flag("XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED", 0, &Bool),
                    Field::flag("XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED", 1, &Bool),
                    Field::flag("XLH_UPDATE_CONTAINS_OLD_TUPLE", 2, &Bool),
                    Field::flag("XLH_UPDATE_CONTAINS_OLD_KEY", 3, &Bool),
                    Field::flag("XLH_UPDATE_CONTAINS_NEW_TUPLE", 4, &Bool),
                    Field::flag("XLH_UPDATE_PREFIX_FROM_OLD", 5, &Bool),
                    Field::flag("XLH_UPDATE_SUFFIX_FROM_OLD", 6, &Bool),
                ],
                word: Some(&Int::U8),
            },
        ),
        Field::leaf("new_xmax", 8, 4, &Int::U32LE),
        Field::leaf("new_offnum", 12, 2, &Int::U16LE),
    ],
};
