using System.Globalization;

namespace MambaExt.Reports;

/// <summary>Numbers as a page shows them. Numbers come from files: none is too large, and one that is absent is a dash.</summary>
internal static class Figures
{
    public const string Absent = "\u2013";

    /// <summary>A score in percent, two decimals.</summary>
    public static string Score(double? value) => Decimals(value, 2);

    /// <summary>Mean ± sample deviation.</summary>
    public static string Score(double? mean, double? deviation) =>
        mean is not null && deviation is not null ? $"{Score(mean)} ± {Score(deviation)}" : Score(mean);

    public static string Seconds(double? value) => Decimals(value, 1);

    /// <summary>A count with separators between thousands.</summary>
    public static string Count(double? value) => Decimals(value, 0);

    public static string Megabytes(double? bytes) => bytes is { } b ? $"{Decimals(b / 1e6, 0)} MB" : Absent;

    /// <summary>A number of unknown kind, five digits.</summary>
    public static string Any(double? value) => value is not { } v
        ? Absent
        : !double.IsFinite(v) ? Special(v)
        : v == Math.Truncate(v) && Math.Abs(v) < 1e9 ? v.ToString("0", CultureInfo.InvariantCulture)
        : Math.Abs(v) is >= 1e-4 and < 1e6 ? v.ToString("0.#####", CultureInfo.InvariantCulture)
        : v.ToString("0.###e+0", CultureInfo.InvariantCulture);

    /// <summary>A coordinate in a drawing.</summary>
    public static string Point(double value) => value.ToString("0.#", CultureInfo.InvariantCulture);

    /// <summary>At most <paramref name="length"/> characters of a text.</summary>
    public static string Short(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";

    private static string Decimals(double? value, int decimals) => value is not { } v
        ? Absent
        : !double.IsFinite(v) ? Special(v)
        : Math.Abs(v) < 1e12 ? v.ToString($"n{decimals}", CultureInfo.InvariantCulture)
        : v.ToString("0.##e+0", CultureInfo.InvariantCulture);

    private static string Special(double v) => double.IsNaN(v) ? "NaN" : v > 0 ? "∞" : "−∞";
}
