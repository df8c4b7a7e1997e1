namespace MambaExt.Cli.Tests.Support;

/// <summary>A small graph of words in text files: two rings of ten that are joined, one of either class.</summary>
internal static class OwnFiles
{
    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        string[] names = [.. Enumerable.Range(0, 20).Select(v => $"v{v}")];
        void Lines(string file, string header, Func<int, string> line) => File.WriteAllLines(Path.Combine(folder, file), [header, .. Enumerable.Range(0, 20).Select(line)]);
        Lines("e.csv", "source,target", v => $"{names[v]},{names[v % 10 == 9 ? v - 9 : v + 1]}");
        Lines("f.csv", "id,x,y,z", v => $"{names[v]},{v % 3},{v / 10},{(v % 7) * 0.5}");
        Lines("l.csv", "node,label", v => $"{names[v]},{(v < 10 ? "ham" : "spam")}");
        Lines("s.csv", "node,split", v => $"{names[v]},{(v % 5 == 0 ? "valid" : v % 5 == 1 ? "test" : "train")}");
    }
}
