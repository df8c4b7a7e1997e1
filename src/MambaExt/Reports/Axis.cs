using System.Globalization;

namespace MambaExt.Reports;

/// <summary>Maps values to positions between two ends of a drawing; linear, or logarithmic where positive values span three decades.</summary>
internal sealed class Axis
{
    // Values beyond have differences that a double does not hold.
    private const double Largest = 1e300;

    private readonly double _low, _high, _start, _end;

    private Axis(double low, double high, bool logarithmic, double start, double end, IReadOnlyList<(double, string)> ticks) =>
        (_low, _high, Logarithmic, _start, _end, Ticks) = (low, high, logarithmic, start, end, ticks);

    public bool Logarithmic { get; }

    /// <summary>Value and label of each tick.</summary>
    public IReadOnlyList<(double Value, string Label)> Ticks { get; }

    /// <param name="low">Least value</param>
    /// <param name="high">Largest value</param>
    /// <param name="start">Position of the low end</param>
    /// <param name="end">Position of the high end</param>
    /// <param name="count">About how many ticks</param>
    /// <param name="whole">Values are counts: no tick between two of them</param>
    /// <param name="percent">Values within 0 and 100 stay there</param>
    /// <param name="mayBeLogarithmic">Losses and rates, whose decades matter</param>
    public static Axis Of(double low, double high, double start, double end, int count, bool whole = false, bool percent = false, bool mayBeLogarithmic = false)
    {
        (low, high) = (Math.Clamp(low, -Largest, Largest), Math.Clamp(high, -Largest, Largest));
        if (mayBeLogarithmic && low > 0 && high / low >= 1000)
        {
            return new Axis(Math.Log10(low), Math.Log10(high), true, start, end, Decades(low, high, count));
        }

        if (whole)
        {
            low = low >= 0 && low <= 0.1 * high ? 0 : low;
            high = high > low ? high : low + 1;
        }
        else
        {
            double room = high > low ? 0.05 * (high - low) : Math.Max(Math.Abs(high) * 0.05, 1e-6);
            (double least, double most) = (low, high);
            (low, high) = (low - room, high + room);
            low = least >= 0 ? Math.Max(low, 0) : low;
            high = percent && most <= 100 ? Math.Min(high, 100) : high;
            low = low < high ? low : high - room;
        }

        return new Axis(low, high, false, start, end, Steps(low, high, count, whole));
    }

    /// <summary>The position of a value; one outside of the axis lies at its end.</summary>
    public double At(double value)
    {
        double v = Logarithmic ? Math.Log10(Math.Max(value, double.Epsilon)) : value;
        return _start + (_end - _start) * Math.Clamp((v - _low) / (_high - _low), 0, 1);
    }

    /// <summary>Multiples of 1, 2 or 5 times a power of ten.</summary>
    private static List<(double, string)> Steps(double low, double high, int count, bool whole)
    {
        double rough = (high - low) / count, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = power * (rough / power) switch { <= 1.4 => 1, <= 3 => 2, <= 7 => 5, _ => 10 };
        step = whole ? Math.Max(1, Math.Round(step)) : step;
        var ticks = new List<(double, string)>();
        double largest = Math.Max(Math.Abs(low), Math.Abs(high));
        int decimals = (int)Math.Clamp(-Math.Floor(Math.Log10(step) + 1e-9), 0, 12);
        string format = largest >= 1e6 || (largest < 1e-3 && largest > 0) ? "0.##e+0" : $"n{decimals}";
        double first = Math.Ceiling(low / step - 1e-9) * step;
        for (int i = 0; i <= 2 * count; i++)
        {
            double value = first + i * step;
            if (value > high + step * 1e-9)
            {
                break;
            }

            value = Math.Abs(value) < step * 1e-6 ? 0 : value;
            ticks.Add((value, value == 0 ? "0" : value.ToString(format, CultureInfo.InvariantCulture)));
        }

        return ticks;
    }

    /// <summary>Powers of ten.</summary>
    private static List<(double, string)> Decades(double low, double high, int count)
    {
        int first = (int)Math.Ceiling(Math.Log10(low) - 1e-9), last = (int)Math.Floor(Math.Log10(high) + 1e-9);
        int step = Math.Max(1, (last - first + count - 1) / count);
        return [.. Enumerable.Range(0, (last - first) / step + 1).Select(i => first + i * step).Select(e => (Math.Pow(10, e), e is >= -3 and <= 4 ? Figures.Any(Math.Pow(10, e)) : $"1e{e}"))];
    }
}
