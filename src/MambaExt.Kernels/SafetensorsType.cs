using System.Diagnostics.CodeAnalysis;

namespace MambaExt.Kernels;

/// <summary>Element types of a safetensors file, in the order of the file format's documentation.</summary>
[SuppressMessage("Naming", "CA1720:Identifier contains type name", Justification = "The format's own names.")]
public enum SafetensorsType
{
    /// <summary>64-bit float.</summary>
    F64,

    /// <summary>32-bit float.</summary>
    F32,

    /// <summary>16-bit IEEE float.</summary>
    F16,

    /// <summary>Upper half of a 32-bit float.</summary>
    BF16,

    /// <summary>64-bit signed integer.</summary>
    I64,

    /// <summary>32-bit signed integer.</summary>
    I32,

    /// <summary>16-bit signed integer.</summary>
    I16,

    /// <summary>8-bit signed integer.</summary>
    I8,

    /// <summary>8-bit unsigned integer.</summary>
    U8,

    /// <summary>One byte, 0 or 1.</summary>
    Bool,
}

/// <summary>Sizes and names of <see cref="SafetensorsType"/>.</summary>
public static class SafetensorsTypes
{
    /// <summary>Bytes an element takes.</summary>
    public static int Size(this SafetensorsType type) => type switch
    {
        SafetensorsType.F64 or SafetensorsType.I64 => 8,
        SafetensorsType.F32 or SafetensorsType.I32 => 4,
        SafetensorsType.F16 or SafetensorsType.BF16 or SafetensorsType.I16 => 2,
        SafetensorsType.I8 or SafetensorsType.U8 or SafetensorsType.Bool => 1,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "Not one of the types of SafetensorsType."),
    };

    /// <summary>The name in a file's header.</summary>
    public static string Name(this SafetensorsType type) => type == SafetensorsType.Bool ? "BOOL" : type.ToString();

    internal static bool TryParse(string name, out SafetensorsType type)
    {
        foreach (SafetensorsType candidate in Enum.GetValues<SafetensorsType>())
        {
            if (candidate.Name() == name)
            {
                type = candidate;
                return true;
            }
        }

        type = default;
        return false;
    }

    /// <summary>True where elements of <paramref name="type"/> may be looked at as <paramref name="element"/>.</summary>
    internal static bool Holds(this SafetensorsType type, Type element) => type switch
    {
        SafetensorsType.F64 => element == typeof(double),
        SafetensorsType.F32 => element == typeof(float),
        SafetensorsType.F16 => element == typeof(Half) || element == typeof(ushort),
        SafetensorsType.BF16 => element == typeof(ushort),
        SafetensorsType.I64 => element == typeof(long),
        SafetensorsType.I32 => element == typeof(int),
        SafetensorsType.I16 => element == typeof(short),
        SafetensorsType.I8 => element == typeof(sbyte),
        SafetensorsType.U8 => element == typeof(byte),
        SafetensorsType.Bool => element == typeof(bool) || element == typeof(byte),
        _ => false,
    };

    internal static SafetensorsType? Of(Type element) =>
        element == typeof(double) ? SafetensorsType.F64
        : element == typeof(float) ? SafetensorsType.F32
        : element == typeof(Half) ? SafetensorsType.F16
        : element == typeof(long) ? SafetensorsType.I64
        : element == typeof(int) ? SafetensorsType.I32
        : element == typeof(short) ? SafetensorsType.I16
        : element == typeof(sbyte) ? SafetensorsType.I8
        : element == typeof(byte) ? SafetensorsType.U8
        : element == typeof(bool) ? SafetensorsType.Bool
        : null;
}
