using System.Diagnostics.CodeAnalysis;

namespace MambaExt.Data;

/// <summary>Element types of a NumPy array that can be read.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "NumPy's own names.")]
public enum NpyType
{
    /// <summary>One byte, 0 or 1 (<c>b1</c>).</summary>
    Bool,

    /// <summary>8-bit signed integer (<c>i1</c>).</summary>
    Int8,

    /// <summary>16-bit signed integer (<c>i2</c>).</summary>
    Int16,

    /// <summary>32-bit signed integer (<c>i4</c>).</summary>
    Int32,

    /// <summary>64-bit signed integer (<c>i8</c>).</summary>
    Int64,

    /// <summary>8-bit unsigned integer (<c>u1</c>).</summary>
    UInt8,

    /// <summary>16-bit unsigned integer (<c>u2</c>).</summary>
    UInt16,

    /// <summary>32-bit unsigned integer (<c>u4</c>).</summary>
    UInt32,

    /// <summary>64-bit unsigned integer (<c>u8</c>).</summary>
    UInt64,

    /// <summary>16-bit float (<c>f2</c>).</summary>
    Float16,

    /// <summary>32-bit float (<c>f4</c>).</summary>
    Float32,

    /// <summary>64-bit float (<c>f8</c>).</summary>
    Float64,

    /// <summary>Text of a fixed length in UTF-32 (<c>U</c>).</summary>
    Text,

    /// <summary>Text of a fixed length in Latin-1 (<c>S</c>).</summary>
    Bytes,

    /// <summary>Pickled objects (<c>O</c>).</summary>
    Object,
}

/// <summary>What NumPy calls a dtype: the type, the bytes of an element, and whether they come high byte first.</summary>
internal readonly record struct NpyDtype(NpyType Type, int Size, bool BigEndian)
{
    public const string Allowed = "b1, i1 to i8, u1 to u8, f2, f4, f8, U, S and O";

    /// <summary>The bytes that are turned round in a big-endian file: a code point in text, the element elsewhere.</summary>
    public int SwapWidth => Type == NpyType.Text ? 4 : Type == NpyType.Bytes ? 1 : Size;

    /// <summary>Reads <c>&lt;f4</c>, <c>|b1</c>, <c>f4</c>, <c>&lt;U7</c> and their like.</summary>
    public static bool TryParse(string text, out NpyDtype dtype)
    {
        dtype = default;
        ReadOnlySpan<char> code = text;
        bool bigEndian = false;
        if (code.Length > 0 && code[0] is '<' or '>' or '|' or '=')
        {
            bigEndian = code[0] == '>';
            code = code[1..];
        }

        if (code.Length == 0 || !TryNumber(code[1..], out int number))
        {
            return false;
        }

        NpyType? type = (code[0], number) switch
        {
            ('b', 1) or ('?', 0) => NpyType.Bool,
            ('i', 1) => NpyType.Int8,
            ('i', 2) => NpyType.Int16,
            ('i', 4) => NpyType.Int32,
            ('i', 8) => NpyType.Int64,
            ('u', 1) => NpyType.UInt8,
            ('u', 2) => NpyType.UInt16,
            ('u', 4) => NpyType.UInt32,
            ('u', 8) => NpyType.UInt64,
            ('f', 2) => NpyType.Float16,
            ('f', 4) => NpyType.Float32,
            ('f', 8) => NpyType.Float64,
            ('U', <= int.MaxValue / 4) => NpyType.Text,
            ('S', _) => NpyType.Bytes,
            ('O', 0 or 4 or 8) => NpyType.Object,
            _ => null,
        };
        dtype = new NpyDtype(type.GetValueOrDefault(), type switch { NpyType.Text => number * 4, NpyType.Bool => 1, NpyType.Object => 8, _ => number }, bigEndian);
        return type is not null;
    }

    /// <summary>How a header names the little-endian form.</summary>
    public string Descr() => Type switch
    {
        NpyType.Bool => "|b1",
        NpyType.Int8 => "|i1",
        NpyType.UInt8 => "|u1",
        NpyType.Int16 or NpyType.Int32 or NpyType.Int64 => $"<i{Size}",
        NpyType.UInt16 or NpyType.UInt32 or NpyType.UInt64 => $"<u{Size}",
        NpyType.Float16 or NpyType.Float32 or NpyType.Float64 => $"<f{Size}",
        NpyType.Text => $"<U{Size / 4}",
        NpyType.Bytes => $"|S{Size}",
        _ => "|O",
    };

    /// <summary>The dtype of a .NET number type, or null.</summary>
    public static NpyDtype? Of(Type element) =>
        element == typeof(bool) ? new(NpyType.Bool, 1, false)
        : element == typeof(sbyte) ? new(NpyType.Int8, 1, false)
        : element == typeof(short) ? new(NpyType.Int16, 2, false)
        : element == typeof(int) ? new(NpyType.Int32, 4, false)
        : element == typeof(long) ? new(NpyType.Int64, 8, false)
        : element == typeof(byte) ? new(NpyType.UInt8, 1, false)
        : element == typeof(ushort) ? new(NpyType.UInt16, 2, false)
        : element == typeof(uint) ? new(NpyType.UInt32, 4, false)
        : element == typeof(ulong) ? new(NpyType.UInt64, 8, false)
        : element == typeof(Half) ? new(NpyType.Float16, 2, false)
        : element == typeof(float) ? new(NpyType.Float32, 4, false)
        : element == typeof(double) ? new(NpyType.Float64, 8, false)
        : null;

    private static bool TryNumber(ReadOnlySpan<char> digits, out int number)
    {
        number = 0;
        return digits.Length == 0 || int.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out number);
    }
}
