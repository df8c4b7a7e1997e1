using MambaExt.Training;

namespace MambaExt.Reports;

/// <summary>Mean and sample deviation over runs at one position.</summary>
internal readonly record struct MeanPoint(double X, double Mean, double Deviation);

/// <summary>The mean over runs. Runs that stop early would make it jump, so it ends where the first of them does.</summary>
internal static class MeanCurve
{
    /// <summary>The positions at which every curve has a finite value; none for fewer than two curves.</summary>
    public static IReadOnlyList<MeanPoint> Of(IReadOnlyList<IReadOnlyList<CurvePoint>> curves)
    {
        if (curves.Count < 2)
        {
            return [];
        }

        var at = new int[curves.Count];
        double[] values = new double[curves.Count];
        var mean = new List<MeanPoint>();
        foreach (CurvePoint point in curves[0])
        {
            bool all = true;
            for (int c = 0; c < curves.Count; c++)
            {
                while (at[c] < curves[c].Count && curves[c][at[c]].X < point.X)
                {
                    at[c]++;
                }

                all &= at[c] < curves[c].Count && curves[c][at[c]].X == point.X && double.IsFinite(values[c] = curves[c][at[c]].Y);
            }

            if (all && Metrics.MeanAndDeviation(values) is { Mean: var m, Deviation: { } d } && double.IsFinite(m) && double.IsFinite(d))
            {
                mean.Add(new MeanPoint(point.X, m, d));
            }
        }

        return mean;
    }
}
