namespace MambaExt.Tests.Shared;

/// <summary>A folder that goes when the test ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("mambaext-").FullName;

    public string File(params string[] parts)
    {
        string path = System.IO.Path.Combine([Path, .. parts]);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        return path;
    }

    public string Write(params string[] parts)
    {
        string path = File(parts);
        System.IO.File.WriteAllText(path, "x");
        return path;
    }

    public void CopyFrom(string folder, string pattern)
    {
        foreach (string file in Directory.EnumerateFiles(folder, pattern))
        {
            System.IO.File.WriteAllBytes(File(System.IO.Path.GetFileName(file)), System.IO.File.ReadAllBytes(file));
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
