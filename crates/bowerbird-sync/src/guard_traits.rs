//! What every guard does: it is its value.

/// Lets a guard be used as its value: `Deref`, `Debug`, `Display`, and `DerefMut` where it says `mutable`. The
/// guard has `get(&self) -> &U`, and `get_mut(&mut self) -> &mut U` if it is mutable. A guard that has lost its lock panics at the line that uses it.
macro_rules! guard_traits {
    (mutable $guard:ident<$($life:lifetime,)? $($param:ident),+>, $value:ident) => {
        guard_traits!($guard<$($life,)? $($param),+>, $value);

        impl<$($life,)? $($param: ?Sized),+> std::ops::DerefMut for $guard<$($life,)? $($param),+> {
            #[inline]
            #[track_caller]
            fn deref_mut(&mut self) -> &mut $value {
                self.get_mut()
            }
        }
    };
    ($guard:ident<$($life:lifetime,)? $($param:ident),+>, $value:ident) => {
        impl<$($life,)? $($param: ?Sized),+> std::ops::Deref for $guard<$($life,)? $($param),+> {
            type Target = $value;

            #[inline]
            #[track_caller]
            fn deref(&self) -> &$value {
                self.get()
            }
        }

        impl<$($life,)? $($param: ?Sized),+> std::fmt::Debug for $guard<$($life,)? $($param),+>
        where
            $value: std::fmt::Debug,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Debug::fmt(self.get(), f)
            }
        }

        impl<$($life,)? $($param: ?Sized),+> std::fmt::Display for $guard<$($life,)? $($param),+>
        where
            $value: std::fmt::Display,
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self.get(), f)
            }
        }
    };
}
