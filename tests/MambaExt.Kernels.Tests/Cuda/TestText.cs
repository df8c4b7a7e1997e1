namespace MambaExt.Kernels.Tests.Cuda;

/// <summary>Files of tests/gpu that this assembly carries.</summary>
internal static class TestText
{
    public static string Read(string name)
    {
        using Stream stream = typeof(TestText).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
