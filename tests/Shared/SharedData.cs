namespace MambaExt.Tests.Shared;

/// <summary>Finds the shared data folder beside the checkout; tests that need it skip with a reason where it is absent.</summary>
internal static class SharedData
{
    /// <summary>The folder <paramref name="parts"/> below the shared folder, or null where it is absent.</summary>
    public static string? Find(params string[] parts)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string candidate = Path.Combine([folder.FullName, "shared", .. parts]);
            if (Directory.Exists(candidate) || File.Exists(candidate))
            {
                return candidate;
            }
        }

        return null;
    }

    /// <summary>As <see cref="Find"/>, but skips the running test where the folder is absent.</summary>
    public static string Require(params string[] parts)
    {
        string? found = Find(parts);
        Xunit.Assert.SkipUnless(found is not null, $"shared/{string.Join('/', parts)} is not beside this checkout");
        return found!;
    }
}
