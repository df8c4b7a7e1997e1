using System.Text.Json;

namespace MambaExt.Reports;

/// <summary>Counts of a test part: rows are the true classes, columns the predicted ones.</summary>
internal sealed class ConfusionMatrix
{
    // Sums over all entries of the largest file stay exact.
    private const double LargestCount = 1e9;

    private readonly long[,] _counts;
    private readonly long[] _rows;
    private readonly long[] _columns;

    private ConfusionMatrix(long[,] counts)
    {
        _counts = counts;
        _rows = new long[Classes];
        _columns = new long[Classes];
        for (int row = 0; row < Classes; row++)
        {
            for (int column = 0; column < Classes; column++)
            {
                _rows[row] += counts[row, column];
                _columns[column] += counts[row, column];
            }
        }
    }

    public int Classes => _counts.GetLength(0);

    public long this[int row, int column] => _counts[row, column];

    /// <summary>A square of counts; null for anything else.</summary>
    public static ConfusionMatrix? Read(JsonElement matrix)
    {
        int classes = matrix.ValueKind == JsonValueKind.Array ? matrix.GetArrayLength() : 0;
        if (classes == 0 || matrix.EnumerateArray().Any(row => row.ValueKind != JsonValueKind.Array || row.GetArrayLength() != classes))
        {
            return null;
        }

        var counts = new long[classes, classes];
        foreach (var (row, cells) in matrix.EnumerateArray().Index())
        {
            foreach (var (column, cell) in cells.EnumerateArray().Index())
            {
                if (cell.Number() is not { } count || !(count >= 0 && count <= LargestCount) || count != Math.Truncate(count))
                {
                    return null;
                }

                counts[row, column] = (long)count;
            }
        }

        return new ConfusionMatrix(counts);
    }

    /// <summary>The sum of matrices of equal size.</summary>
    public static ConfusionMatrix Sum(IReadOnlyList<ConfusionMatrix> matrices)
    {
        var counts = new long[matrices[0].Classes, matrices[0].Classes];
        foreach (ConfusionMatrix one in matrices)
        {
            for (int i = 0; i < counts.Length; i++)
            {
                counts[i / one.Classes, i % one.Classes] += one._counts[i / one.Classes, i % one.Classes];
            }
        }

        return new ConfusionMatrix(counts);
    }

    /// <summary>Test samples of a class.</summary>
    public long Support(int k) => _rows[k];

    /// <summary>Part of a class that was found, in percent; null for a class without samples.</summary>
    public double? Recall(int k) => Percent(_counts[k, k], _rows[k]);

    /// <summary>Part of what was called a class that is of it, in percent; null where nothing was.</summary>
    public double? Precision(int k) => Percent(_counts[k, k], _columns[k]);

    /// <summary>Harmonic mean of precision and recall, in percent; null where there is neither.</summary>
    public double? F1(int k) => Percent(2 * _counts[k, k], _rows[k] + _columns[k]);

    /// <summary>Part of a class that was called another one, in percent.</summary>
    public double? Part(int row, int column) => Percent(_counts[row, column], _rows[row]);

    private static double? Percent(long part, long whole) => whole == 0 ? null : 100.0 * part / whole;
}
