namespace MambaExt;

/// <summary>The known name that a mistyped one most likely meant.</summary>
public static class NameSuggestion
{
    /// <summary>The name of the smallest edit distance; null where nothing is near.</summary>
    public static string? Nearest(string given, IEnumerable<string> known)
    {
        (string? best, int distance) = (null, int.MaxValue);
        foreach (string name in known)
        {
            int edits = Distance(given, name);
            if (edits < distance)
            {
                (best, distance) = (name, edits);
            }
        }

        return best is not null && distance <= Math.Max(2, best.Length / 3) ? best : null;
    }

    /// <summary>Insertions, deletions and replacements that turn <paramref name="a"/> into <paramref name="b"/> (Levenshtein).</summary>
    private static int Distance(string a, string b)
    {
        int[] row = [.. Enumerable.Range(0, b.Length + 1)];
        for (int i = 1; i <= a.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= b.Length; j++)
            {
                int replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, 1 + Math.Min(row[j], row[j - 1]));
            }
        }

        return row[^1];
    }
}
