namespace MambaExt.Reports;

/// <summary>Fewer points for a drawing that shows the same.</summary>
internal static class Thinning
{
    /// <summary>At most about <paramref name="most"/> points: of each stretch the lowest and the highest, so that no spike is lost, and both ends.</summary>
    public static IReadOnlyList<CurvePoint> Extremes(IReadOnlyList<CurvePoint> points, int most)
    {
        if (points.Count <= most)
        {
            return points;
        }

        CurvePoint[] finite = [.. points.Where(p => double.IsFinite(p.Y))];
        int stretches = Math.Max(1, (most - 2) / 2);
        var kept = new List<CurvePoint>(most);
        for (int s = 0; s < stretches && finite.Length > 0; s++)
        {
            int from = (int)((long)finite.Length * s / stretches), to = (int)((long)finite.Length * (s + 1) / stretches);
            if (from == to)
            {
                continue;
            }

            (int low, int high) = (from, from);
            for (int i = from; i < to; i++)
            {
                low = finite[i].Y < finite[low].Y ? i : low;
                high = finite[i].Y > finite[high].Y ? i : high;
            }

            foreach (int i in new SortedSet<int> { low, high, s == 0 ? 0 : low, s == stretches - 1 ? finite.Length - 1 : low })
            {
                kept.Add(finite[i]);
            }
        }

        return kept;
    }

    /// <summary>At most <paramref name="most"/> elements at even distances, the first and the last among them.</summary>
    public static IReadOnlyList<T> Evenly<T>(IReadOnlyList<T> all, int most) =>
        all.Count <= most ? all : [.. Enumerable.Range(0, most).Select(i => all[(int)((long)i * (all.Count - 1) / (most - 1))])];
}
