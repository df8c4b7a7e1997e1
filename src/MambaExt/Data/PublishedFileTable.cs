using System.Globalization;
using System.Reflection;

namespace MambaExt.Data;

/// <summary>
/// A table of what the authors of data sets published, as a text of tab-separated lines: <c>place, name, address</c> for each place, then
/// <c>set, file, bytes, SHA-256, place, path there</c> for each file, with <c>-</c> where something is not known. Other lines are comments.
/// </summary>
public static class PublishedFileTable
{
    /// <summary>Reads the table that an assembly carries as the resource <paramref name="resource"/>.</summary>
    /// <returns>The files by the name of their data set, in the table's order.</returns>
    public static ILookup<string, PublishedFile> Read(Assembly assembly, string resource)
    {
        ArgumentNullException.ThrowIfNull(assembly);
        using Stream stream = assembly.GetManifestResourceStream(resource)
            ?? throw new ArgumentException($"The assembly {assembly.GetName().Name} has no resource '{resource}'; embed the table under that name.", nameof(resource));
        using var reader = new StreamReader(stream);
        var places = new Dictionary<string, string>();
        var files = new List<(string Set, PublishedFile File)>();
        while (reader.ReadLine() is { } line)
        {
            switch (line.Split('\t'))
            {
                case ["place", var name, var address]:
                    places.Add(name, address);
                    break;
                case [var set, var file, var bytes, var hash, var place, var path]:
                    files.Add((set, new PublishedFile(
                        file, bytes == "-" ? null : long.Parse(bytes, CultureInfo.InvariantCulture), hash == "-" ? null : hash, place == "-" ? null : new Uri(places[place] + path))));
                    break;
            }
        }

        return files.ToLookup(f => f.Set, f => f.File);
    }
}
