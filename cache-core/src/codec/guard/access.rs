//! The parts of a value within a guard.

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{Errors, Guard};

impl<'de, A: SeqAccess<'de>, P: Errors> SeqAccess<'de> for Guard<'_, A, P> {
    type Error = P::Of<A::Error>;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Self::Error> {
        if self.counted {
            self.limits.charge::<S::Value, Self::Error>()?;
        }
        self.inner.next_element_seed(Guard::new(seed, self.limits)).map_err(P::take)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|hint| hint.min(self.limits.hint))
    }
}

impl<'de, A: MapAccess<'de>, P: Errors> MapAccess<'de> for Guard<'_, A, P> {
    type Error = P::Of<A::Error>;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Self::Error> {
        if self.counted {
            self.limits.charge::<S::Value, Self::Error>()?;
        }
        self.inner.next_key_seed(Guard::new(seed, self.limits)).map_err(P::take)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        if self.counted {
            self.limits.charge::<S::Value, Self::Error>()?;
        }
        self.inner.next_value_seed(Guard::new(seed, self.limits)).map_err(P::take)
    }

    fn size_hint(&self) -> Option<usize> {
        self.inner.size_hint().map(|hint| hint.min(self.limits.hint))
    }
}

impl<'de, 'a, A: EnumAccess<'de>, P: Errors> EnumAccess<'de> for Guard<'a, A, P> {
    type Error = P::Of<A::Error>;
    type Variant = Guard<'a, A::Variant, P>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), Self::Error> {
        let (value, variant) =
            self.inner.variant_seed(Guard::new(seed, self.limits)).map_err(P::take)?;
        Ok((value, Guard::new(variant, self.limits)))
    }
}

impl<'de, A: VariantAccess<'de>, P: Errors> VariantAccess<'de> for Guard<'_, A, P> {
    type Error = P::Of<A::Error>;

    fn unit_variant(self) -> Result<(), Self::Error> {
        self.inner.unit_variant().map_err(P::take)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        self.inner.newtype_variant_seed(Guard::new(seed, self.limits)).map_err(P::take)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.inner.tuple_variant(len, Guard::new(visitor, self.limits)).map_err(P::take)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        self.inner.struct_variant(fields, Guard::new(visitor, self.limits)).map_err(P::take)
    }
}
